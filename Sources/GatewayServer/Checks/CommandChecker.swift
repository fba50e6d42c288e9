import Forwarders
import GatewayCore
import HTTPUpload
import NIOPosix
import OperatingSystem

/// A program that looks at a file: status 0 says that it is good, 1 that it is not, anything else that nobody knows.
struct CommandChecker: Checker {
  private let arguments: [String]
  private let gateway: String
  private let programs = RunningPrograms()
  private let threads: NIOThreadPool

  init(_ command: Configuration.Command, gateway: String, atOnce: Int) {
    arguments = command.arguments
    self.gateway = gateway
    threads = NIOThreadPool(numberOfThreads: atOnce)
    threads.start()
  }

  func look(at file: FileToCheck, within limit: Duration) async -> CheckAnswer {
    // The path is in the environment and not among the arguments, which every user of the machine can see: the key is in it.
    let program = ChildProgram(
      arguments, environment: ["SLUICE_FILE=\(file.path)", "SLUICE_TYPE=\(CloudEvent.checkingType)"], limit: limit)
    let body = CloudEvent.checking(file, gateway: gateway, at: .now())
    guard let outcome = try? await threads.runIfActive({ program.run(Array(body.utf8), in: programs) }) else {
      return .silent("the command is not used any more")
    }
    let words = outcome.errors.isEmpty ? "" : ": \(OneLine.of(outcome.errors))"
    switch outcome.end {
    case .exited(0): return .clean
    case .exited(1): return .found("the command ended with status 1" + words)
    case .exited(let status): return .silent("the command ended with status \(status)" + words)
    case .signalled(let signal): return .silent("signal \(signal) ended the command")
    case .overdue: return .silent("the command took longer than `time-limit`")
    case .stopped: return .silent("the gateway is stopping")
    case .failed(let why): return .silent("the command could not be run: \(why)")
    }
  }

  func retire() { threads.shutdownGracefully { _ in } }

  func stop() {
    programs.stop()
    retire()
  }
}
