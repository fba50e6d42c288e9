import ArgumentParser
import ConfigurationReading
import GatewayServer
import OperatingSystem

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Has a running gateway read its configuration anew, and says what came of it.
struct Reload: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have the running gateway take its configuration anew.",
    discussion: """
      Finds the gateway by the state folder of the configuration, sends it SIGHUP, and waits for what comes of it. Where \
      something is wrong nothing changes: the faults are printed with their lines, and the gateway goes on with what it \
      has. What takes a restart is a warning.

      Exit status 0 if the configuration was taken, else 1.
      """)

  @Option(help: ArgumentHelp("The gateway's configuration; without it the embedded default's.", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp("How long to wait for the gateway.", valueName: "duration"), transform: TimeSpan.option)
  var wait = TimeSpan(.seconds(30))

  func run() async throws {
    let configuration = try LedgerOptions.reading(config) { $0 }
    let folder = LedgerFolder(configuration)
    guard let process = folder.holder else {
      throw CommandFailure("no gateway runs over the state folder \(configuration.state)")
    }
    let before = ReloadRecord(in: configuration.state)
    guard kill(process, SIGHUP) == 0 else {
      throw CommandFailure("process \(process) cannot be told: \(String(cString: strerror(errno)))")
    }
    let deadline = ContinuousClock.now + wait.value
    while ContinuousClock.now < deadline {
      // One that the gateway began by itself may have read the files before they were complete.
      if let record = ReloadRecord(in: configuration.state), record.number > before?.number ?? 0, record.isAsked {
        return try tell(record)
      }
      guard folder.holder == process else { throw CommandFailure("the gateway has ended") }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw CommandFailure(
      "process \(process) has not said within \(TimeSpan.sentence(wait.value)) what came of it; its log does")
  }

  private func tell(_ record: ReloadRecord) throws {
    let words = record.words.joined(separator: "\n")
    switch record.outcome {
    case .taken:
      if !words.isEmpty { Console.errorText(words) }
      Console.output("the gateway has taken its configuration")
    case .refused:
      Console.errorText(words)
      throw CommandFailure("nothing was changed: the gateway goes on with the configuration that it has")
    case .stopping: throw CommandFailure(words)
    }
  }
}
