import ArgumentParser
import LoadGenerator

/// A plan by options alone.
struct LoadShapeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Uploads that begin each second, whatever the server does.", valueName: "number"))
  var rate: Double?

  @Option(help: ArgumentHelp("Clients, each with one upload after another.", valueName: "count"))
  var clients: Int?

  @Option(
    help: ArgumentHelp("How long (default: 10s, or with --count until that is reached).", valueName: "duration"),
    transform: TimeSpan.option)
  var duration: TimeSpan?

  @Option(help: ArgumentHelp("No more uploads than this.", valueName: "count"))
  var count: Int?

  @Option(help: ArgumentHelp("How large each is (default: 64k).", valueName: "size"), transform: ByteCount.option)
  var size: ByteCount?

  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp(
      "What uploads speak: x-stream, put, tus or resumable (default: x-stream).", valueName: "protocol"))
  var uploadProtocol: UploadProtocol?

  @Option(help: ArgumentHelp("Which HTTP they speak, if they do: 1.1 or 2 (default: 1.1).", valueName: "version"))
  var http: HTTPVersion?

  @Option(help: ArgumentHelp("What the bytes are: bytes, text or json.", valueName: "format"))
  var format: String?

  @Option(
    help: ArgumentHelp("The portion size to ask for (default: 64k).", valueName: "size"), transform: ByteCount.option)
  var buffer: ByteCount?

  @Flag(help: "Let the server compare SHA-256.")
  var digest = false

  @Flag(help: "Send each upload in one packet.")
  var payload = false

  @Option(
    help: ArgumentHelp("The most bytes a second of each connection.", valueName: "size"),
    transform: ByteCount.rateOption)
  var bandwidth: ByteCount?

  @Flag(help: "A connection for each upload.")
  var newConnections = false

  @Flag(help: "Go on with TLS sessions of earlier connections.")
  var resumeHandshakes = false

  @Option(
    help: ArgumentHelp(
      "Break a share of the uploads: cut=5%, vanish, stall, drip, half-close, truncate, wrong-digest, malformed, "
        + "take-over. More than once.", valueName: "kind=share"))
  var fault: [LoadFault] = []

  private var isUsed: Bool {
    uploadProtocol != nil || http != nil || rate != nil || clients != nil || duration != nil || count != nil
      || size != nil || format != nil || buffer != nil
      || digest || payload || bandwidth != nil || newConnections || resumeHandshakes || !fault.isEmpty
  }

  func validate(hasScenario: Bool) throws {
    if hasScenario {
      guard !isUsed else {
        throw ValidationError("A scenario says itself what is to be done: leave these options out.")
      }
      return
    }
    guard (rate == nil) != (clients == nil) else {
      throw ValidationError("Name a scenario, or one of --rate and --clients.")
    }
    guard (rate ?? 1) > 0, (rate ?? 1) <= 1_000_000 else { throw ValidationError("--rate has to be above 0.") }
    guard (1...100_000).contains(clients ?? 1) else { throw ValidationError("--clients has to be 1 to 100000.") }
    guard (count ?? 1) > 0 else { throw ValidationError("--count has to be above 0.") }
    let isHTTP = uploadProtocol ?? .xStream != .xStream
    guard isHTTP || http == nil else { throw ValidationError("--http goes with --protocol put, tus or resumable.") }
    guard !isHTTP || !payload else {
      throw ValidationError("--payload goes with x-stream: a PUT is one request by itself.")
    }
    guard format == nil || UploadKind.Format(rawValue: format ?? "") != nil else {
      throw ValidationError("--format has to be bytes, text or json.")
    }
    guard Set(fault.map(\.value.kind)).count == fault.count, fault.reduce(0, { $0 + $1.value.share }) <= 1 else {
      throw ValidationError("Each --fault can be named once, and all together are 100% at most.")
    }
  }

  func scenario() throws -> Scenario {
    let time = duration?.value ?? (count == nil ? .seconds(10) : nil)
    let level = rate ?? Double(clients ?? 1)
    var scenario = Scenario(name: "load", stages: [Scenario.Stage(from: level, to: level, time: time)])
    scenario.loop = rate == nil ? .closed : .open
    scenario.count = count
    var kind = UploadKind()
    if let uploadProtocol { kind.uploadProtocol = uploadProtocol }
    if let http { kind.http = http }
    if let size { kind.size = .fixed(size.value) }
    if let format = format.flatMap(UploadKind.Format.init(rawValue:)) { kind.format = format }
    if let buffer { kind.buffer = buffer.value }
    kind.digest = digest
    kind.payload = payload
    scenario.uploads = [kind]
    scenario.connection.bandwidth = bandwidth?.value
    if newConnections { scenario.connection.reuse = .each }
    if resumeHandshakes { scenario.connection.handshake = .resumed }
    scenario.faults = fault.map(\.value)
    return scenario
  }
}

extension UploadProtocol: ExpressibleByArgument {}
extension HTTPVersion: ExpressibleByArgument {}

/// `cut=5%` on the command line.
struct LoadFault: ExpressibleByArgument {
  let value: FaultShare

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let kind = FaultKind(rawValue: String(parts[0])) else { return nil }
    let isPercent = parts[1].hasSuffix("%")
    guard let number = Double(isPercent ? parts[1].dropLast() : parts[1]) else { return nil }
    let share = isPercent ? number / 100 : number
    guard share > 0, share <= 1 else { return nil }
    value = FaultShare(kind, share: share)
  }
}

/// A threshold on the command line.
struct LoadThreshold: ExpressibleByArgument {
  let value: Threshold

  init?(argument: String) {
    guard let value = try? Threshold(argument) else { return nil }
    self.value = value
  }
}
