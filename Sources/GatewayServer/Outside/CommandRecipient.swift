import NIOPosix
import OperatingSystem

/// A program that is started for each message, with it on standard input. Status 0 says that it has it.
struct CommandRecipient: OutsideRecipient {
  private let arguments: [String]
  private let timeLimit: Duration
  private let outputLimit: Int
  private let programs = RunningPrograms()
  /// One waits for each program that runs.
  private let threads: NIOThreadPool

  /// - Parameters:
  ///   - atOnce: programs that run at once.
  ///   - outputLimit: bytes of its output that count as its answer.
  init(_ command: Configuration.Command, atOnce: Int, timeLimit: Duration, outputLimit: Int = 0) {
    arguments = command.arguments
    self.timeLimit = timeLimit
    self.outputLimit = outputLimit
    threads = NIOThreadPool(numberOfThreads: atOnce)
    threads.start()
  }

  func send(_ message: OutsideMessage) async -> OutsideAnswer {
    let program = ChildProgram(
      arguments, environment: ["SLUICE_ID=\(message.id)", "SLUICE_TYPE=\(message.type)"], limit: timeLimit,
      outputLimit: outputLimit)
    let outcome: ChildProgram.Outcome
    do {
      outcome = try await threads.runIfActive { program.run(Array(message.body.utf8), in: programs) }
    } catch {
      return .refused(reason: "the command is not used any more")
    }
    let reason: String
    switch outcome.end {
    case .exited(0): return .taken(outcome.output)
    case .exited(let status): reason = "the command ended with status \(status)"
    case .signalled(let signal): reason = "signal \(signal) ended the command"
    case .overdue: reason = "the command took longer than its `time-limit`"
    case .stopped: reason = "the gateway is stopping"
    case .failed(let why): reason = "the command could not be run: \(why)"
    }
    guard !outcome.errors.isEmpty else { return .refused(reason: reason) }
    return .refused(reason: "\(reason): \(OneLine.of(outcome.errors))")
  }

  func retire() { threads.shutdownGracefully { _ in } }

  func stop() {
    programs.stop()
    retire()
  }
}
