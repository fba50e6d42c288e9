import GatewayServer
import Glibc
import Logging
import Synchronization
import UnixSignals

/// Ends the process at the second SIGTERM or Ctrl-C: whoever asks twice does not want to wait. Says what is left where it is.
final class AbruptEnd: Sendable {
  /// The log names no more uploads than this.
  private static let mostNames = 100

  private let log: ProcessLog
  private let logger: Logger
  private let gateway = Mutex<RunningGateway?>(nil)

  init(log: ProcessLog, logger: Logger) {
    self.log = log
    self.logger = logger
  }

  /// This is what runs.
  func began(_ gateway: RunningGateway) { self.gateway.withLock { $0 = gateway } }

  /// Takes note of signals from now on, to the end of the process.
  func listen() async {
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    Task {
      var count = 0
      for await _ in signals {
        count += 1
        if count == 2 { end() }
      }
    }
  }

  private func end() -> Never {
    let remains = gateway.withLock { $0 }?.remains
    let uploads = (remains?.uploads ?? []).sorted()
    let more = uploads.count > Self.mostNames ? ", and \(uploads.count - Self.mostNames) more" : ""
    logger.warning(
      "Gateway ends at once: it was asked to a second time",
      metadata: [
        "connections": .stringConvertible(remains?.connections ?? 0), "uploads": .stringConvertible(uploads.count),
        "left": "\(uploads.prefix(Self.mostNames).joined(separator: ", "))\(more)",
      ])
    _ = log.drain(within: .seconds(1))
    // Nothing that other threads hold is waited for.
    _exit(EXIT_FAILURE)
  }
}
