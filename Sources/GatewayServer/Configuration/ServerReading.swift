import ConfigurationReading
import Fronts
import GatewayCore
import Logging

/// Reads the file's top level, and what of it concerns the whole server.
enum ServerReading {
  private static let waits: ClosedRange<Duration> = .milliseconds(1) ... .seconds(86_400)

  /// `nil` where something was missing; whether anything else was wrong, the faults of `reading` say.
  static func read(_ top: inout MappingReader) -> Configuration? {
    let reading = top.reading
    let name = top.optional("name", as: .gatewayName)?.value ?? GatewayName.ofHost
    let listeners = ListenReading.read(&top)
    let tls = TLSReading(&top)
    let hasState = top.has("state")
    let state = top.optional("state", as: .writableFolder)
    reading.remember("state", state)
    let database = DatabaseReading.read(&top, name: name)
    let (memory, window) = bounds(&top)
    let connections = top.optional("connections", as: .count(in: 1...1_000_000))
    let addresses = AddressReading.bounds(&top, most: connections?.value ?? 4096)
    let handshakes = AddressReading.handshakes(&top)
    let threads = top.optional("threads", as: .threads)?.value ?? .automatic
    let user = top.optional("user", as: .userName)
    let landlock = top.optional("landlock", as: ValueParser<Configuration.LandlockUse>.word)
    let timeouts = timeouts(&top)
    let log = log(&top)
    let watch = top.optional("watch", as: .flag)?.value ?? true
    var http = HTTPReading.server(&top)
    // What could not be read is taken for the stricter: its own fault has been noted, and a second one would mislead.
    let demand = tls?.clientCertificate ?? .required
    let tokenFiles = TokenFiles()
    let commonTokens = top.optional("tokens", as: tokenFiles.parser)
    tokenFiles.common = commonTokens?.value
    let welcome = Welcome(
      isLoopback: listeners?.allSatisfy(\.value.isLoopback) ?? true, asksCertificates: tls?.asksSome ?? true,
      requiresCertificates: demand == .required, tokenFiles: tokenFiles)
    let routes = RouteReading.routes(&top, welcome: welcome)
    let admin = AdminReading.read(&top, tokenFiles, besides: listeners ?? [])
    let events = EventReading.read(&top, routes: routes.map(\.path))
    top.finish()

    let statePath = state?.value ?? reading.absolute("var/state")
    if !hasState, reading.checksFiles, let fault = FilePlace.faultOfFolder(statePath) {
      reading.note("`state`: \(fault.message)", hint: fault.hint, at: top.place)
    }
    var neighbours = tls?.files ?? []
    if !hasState || state != nil {
      neighbours.append(StorePlaces.Neighbour(name: "the `state` folder", path: statePath))
    }
    if let commonTokens {
      neighbours.append(StorePlaces.Neighbour(name: "the file of tokens", path: commonTokens.value))
    }
    if let path = admin?.tokens {
      neighbours.append(StorePlaces.Neighbour(name: "the file of operators' tokens", path: path))
    }
    if let path = reading.path { neighbours.append(StorePlaces.Neighbour(name: "this configuration", path: path)) }
    neighbours += events.flatMap(\.recipient.files)
    neighbours += routes.filter(\.entry.destination.holdsNothing).flatMap(\.files)
    StorePlaces.check(routes, apart: neighbours, reading: reading)
    if database != nil { StorePlaces.checkAreShared(routes, reading: reading) }
    guard let listeners, let settings = tls?.settings else { return nil }
    for entry in routes.map(\.entry) { http?.routes[entry.route.path] = entry.http }
    return Configuration(
      name: name, listeners: listeners.map(\.value), tls: settings, state: statePath, database: database,
      routes: routes.map(\.entry), events: events, timeouts: timeouts,
      memory: memory,
      window: window, connections: connections?.value ?? 4096, addresses: addresses, handshakes: handshakes,
      admin: admin, http: http, log: log, threads: threads,
      user: user?.value, landlock: landlock?.value ?? .automatic,
      tokenFiles: tokenFiles.all,
      watchesFiles: watch,
      origin: ConfigurationOrigin(
        file: reading.file, path: reading.path, paths: reading.paths,
        keys: Dictionary(top.entries.map { ($0.key, $0.place) }, uniquingKeysWith: { first, _ in first }),
        listeners: listeners.map(\.place), connections: connections?.place, user: user?.place,
        landlock: landlock?.place))
  }

  private static func bounds(_ top: inout MappingReader) -> (memory: Int64, window: Int64) {
    // Below this a connection could not even take one read of its socket.
    let least: Int64 = 64 << 10
    let memory = top.optional("memory", as: .byteSize(in: least...Int64.max))
    let window = top.optional("window", as: .byteSize(in: least...Int64.max))
    let bound = memory?.value ?? 512 << 20
    if let window, window.value > bound {
      top.reading.note(
        "`window` is above `memory` (\(ByteSize.text(bound)))",
        hint: "write at most \(ByteSize.text(bound)), or raise `memory`", at: window.place)
    }
    return (bound, window?.value ?? min(4 << 20, bound))
  }

  private static func timeouts(_ top: inout MappingReader) -> Configuration.Timeouts {
    var section = top.section("timeouts")
    defer { section.finish() }
    let shutdown = section.optional("shutdown", as: .duration(in: waits))?.value ?? .seconds(10)
    return Configuration.Timeouts(
      handshake: section.optional("handshake", as: .duration(in: waits))?.value ?? .seconds(10),
      head: section.optional("head", as: .duration(in: waits))?.value ?? .seconds(30),
      idle: section.optional("idle", as: .duration(in: waits))?.value ?? .seconds(300),
      silence: section.optional("silence", as: .duration(in: waits))?.value ?? .seconds(60),
      drain: section.optional("drain", as: .duration(in: .zero...waits.upperBound))?.value ?? shutdown,
      shutdown: shutdown,
      progress: section.optional("progress", as: .minimumProgress).map(\.value) ?? MinimumProgress.usual,
      upload: section.optional("upload", as: .orOff(.duration(in: .seconds(1) ... .seconds(365 * 86_400)))).flatMap(
        \.value))
  }

  private static func log(_ top: inout MappingReader) -> Configuration.Log {
    var section = top.section("log")
    defer { section.finish() }
    return Configuration.Log(
      level: section.optional("level", as: .word)?.value ?? .info,
      format: section.optional("format", as: .word)?.value ?? .text)
  }
}
