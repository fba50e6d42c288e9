import ArgumentParser
import ConfigurationReading
import GatewayServer
import LoadGenerator
import XStreamClient
import XStream

/// `sluice load`.
struct Load: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Load a gateway with uploads, break some on purpose, and say how it stood that.",
    usage: "sluice load [OPTIONS] [SCENARIO.yaml] [xstream://HOST[:PORT]/ROUTE...]",
    discussion: """
      A scenario says when uploads begin, what they are, what goes wrong, and what the result has to be; docs/load.md \
      describes it. Without one, --rate or --clients and the options beside them make a plan. Addresses given here \
      replace the scenario's; over HTTP they may begin with https:// as well. Ctrl-C ends the run in order, with the result so far.

      Where no threshold says how many uploads may fail, none may.

      Exit status: 0 every threshold is met; 1 one is not; 2 the run cannot be begun; 64 the command line or the \
      scenario is wrong; 74 the result cannot be written; 75 interrupted.
      """)

  @Argument(help: ArgumentHelp("A scenario, and addresses.", valueName: "scenario... url"))
  var words: [String] = []

  @OptionGroup(title: "Plan without a scenario")
  var shape: LoadShapeOptions

  @OptionGroup(title: "Connection")
  var connection: ConnectionOptions

  @Option(help: ArgumentHelp("Event loops to run on, 1 to 64 (default: the scenario's, or 1).", valueName: "count"))
  var threads: Int?

  @Option(help: ArgumentHelp("What everything random comes from (default: the scenario's, or 1).", valueName: "number"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Multiply the times of all stages, and the count, by this: 0.01 to 10000.", valueName: "factor"))
  var stretch: Double?

  @Option(
    help: ArgumentHelp(
      "What a figure has to be: 'p99<250ms', 'errors=0', 'throughput>1GiB/s'. Beside the scenario's.",
      valueName: "threshold"))
  var expect: [LoadThreshold] = []

  @Option(
    help: ArgumentHelp(
      "Hold the result against the ledger of the gateway with this configuration, on this machine. - is the embedded "
        + "default.", valueName: "file"))
  var gatewayConfig: String?

  @Option(
    help: ArgumentHelp("Write the result as JSON; - is standard output. A plain file is replaced.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Write the result as a page of HTML with plots.", valueName: "file.html"))
  var report: String?

  @Option(
    help: ArgumentHelp("Put this earlier result beside the new one, also on the page.", valueName: "old.json"))
  var compare: String?

  @Flag(name: .customLong("i-own-this-target"), help: "The target may be loaded, although it is not near.")
  var ownsTarget = false

  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false

  func validate() throws {
    let files = words.filter { !$0.contains("://") }
    guard files.count <= 1, files.isEmpty || words.first == files.first else {
      throw ValidationError("Name one scenario at most, and then addresses.")
    }
    try shape.validate(hasScenario: !files.isEmpty)
    guard (1...64).contains(threads ?? 1) else { throw ValidationError("--threads has to be 1 to 64.") }
    guard (0.01...10_000).contains(stretch ?? 1) else { throw ValidationError("--stretch has to be 0.01 to 10000.") }
    for word in words where word.contains("://") { _ = try Self.address(word) }
  }

  func run() async throws {
    try EventLoops.requireRoom()
    let scenario = try scenario()
    let places = Places(json: try json.map(LoadFiles.place), page: try report.map(LoadFiles.place))
    if let json = places.json, let page = places.page, json.isSame(as: page) {
      throw ValidationError("--json and --report need places of their own.")
    }
    let client = try connection.configuration()
    let credentials = LoadCredentials(trust: client.trust, identity: client.identity, token: client.token)
    let earlier = try compare.map(LoadFiles.report)
    let plan: LoadPlan
    do throws(LoadPlanError) {
      plan = try await LoadPlan(scenario, credentials, ownsTarget: ownsTarget)
    } catch {
      Console.error("sluice: \(error)")
      throw LoadExit.impossible
    }
    let before = try gatewayConfig.map(LoadFiles.records)
    let display = LoadDisplay(scenario, isQuiet: quiet)
    let work = Task {
      await LoadRun(plan, tool: "sluice \(ReleaseVersion.number)").run(eachSecond: display.show)
    }
    let interruption = Interruption { work.cancel() }
    var result = await work.value
    withExtendedLifetime(interruption) {}
    display.clear()
    if let before, let gatewayConfig { result.check(against: before, try LoadFiles.records(gatewayConfig)) }
    let finished = result.report()
    let isPublished = publish(finished, besides: earlier, places)
    switch finished.verdict {
    case .passed: if !isPublished { throw ExitStatus.outputLost }
    case .failed: throw LoadExit.notMet
    case .interrupted: throw ExitStatus.tryAgain
    }
  }

  private struct Places {
    var json: ResultPlace?
    var page: ResultPlace?
  }

  /// Puts the result where it was asked for.
  ///
  /// - Returns: whether it is there.
  private func publish(_ result: LoadReport, besides earlier: LoadReport?, _ places: Places) -> Bool {
    let lines = LoadTables.lines(result) + (earlier.map { LoadTables.lines(Comparison($0, result)) } ?? [])
    // Whoever reads the result there reads nothing else.
    if places.json?.isStandardOutput ?? false || places.page?.isStandardOutput ?? false {
      lines.forEach(Console.error)
    } else {
      Console.output(lines)
    }
    if result.errors.contains(where: { $0.kind == "tls" }), connection.ca == nil, !connection.insecureNoVerification {
      Console.error("sluice: servers' certificates were held against the system's authorities; --ca FILE names others")
    }
    var isPublished = true
    for (place, text) in [(places.json, result.json + "\n"), (places.page, result.page(besides: earlier))] {
      guard let place else { continue }
      guard !place.isStandardOutput else {
        Console.outputAsItIs(text)
        continue
      }
      do throws(ResultPlaceError) {
        try place.write(text)
      } catch {
        Console.error("sluice: \(error)")
        isPublished = false
      }
    }
    return isPublished
  }

  private static func address(_ word: String) throws -> String {
    do { return try TargetAddress.text(word) } catch { throw ValidationError(error.description) }
  }

  private func scenario() throws -> Scenario {
    var scenario: Scenario
    if let file = words.first, !file.contains("://") {
      do {
        scenario = try Scenario.load(path: file)
      } catch {
        Console.errorText(error.description)
        throw ExitCode.validationFailure
      }
    } else {
      scenario = try shape.scenario()
    }
    let addresses = words.filter { $0.contains("://") }
    if !addresses.isEmpty { scenario.targets = try addresses.map(Self.address) }
    if let threads { scenario.connection.threads = threads }
    if let seed { scenario.seed = seed }
    if let stretch { scenario.stretch(by: stretch) }
    scenario.thresholds += expect.map(\.value)
    return scenario
  }
}

/// How `sluice load` ends, beside 0 and those of ``ExitStatus``.
enum LoadExit {
  /// A threshold is not met.
  static let notMet = ExitCode(1)
  /// The run could not be begun.
  static let impossible = ExitCode(2)
}
