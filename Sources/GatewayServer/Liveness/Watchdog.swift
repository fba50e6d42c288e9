import Dispatch
import Logging
import OperatingSystem

/// Looks at a gateway's parts from a thread of its own, says in the log which of them do not answer, and tells the service
/// manager that the gateway lives only while all of them do (`WatchdogSec=`).
final class Watchdog: Sendable {
  /// How long a part may owe an answer where no manager says so.
  private static let patience = Duration.seconds(15)

  private let liveness: LivenessWatch
  private let logger: Logger
  private let interval = ServiceNotification.watchdogInterval
  private let end = DispatchSemaphore(value: 0)

  init(_ liveness: LivenessWatch, logger: Logger) {
    self.liveness = liveness
    self.logger = logger
  }

  /// Begins to look.
  func start() {
    // Half of the time: what falls silent is then killed after one and a half of it at the latest.
    let patience = interval.map { $0 / 2 } ?? Self.patience
    let pause = min(.seconds(1), (interval ?? .seconds(4)) / 4)
    let (milliseconds, logger, liveness, end) = (max(1, Int(pause / .milliseconds(1))), logger, liveness, end)
    let isWanted = interval != nil
    DetachedThread.run {
      var machine = WatchdogMachine(patience: patience)
      repeat {
        switch machine.see(liveness.look()) {
        case .alive: break
        case .aliveAgain: logger.notice("All parts of the gateway answer again")
        case .fellSilent(let parts):
          for part in parts {
            logger.error(
              "A part of the gateway does not answer",
              metadata: [
                "part": "\(part.kind.rawValue)-\(part.number)",
                "seconds": "\(Int(part.owing / .seconds(1)))",
              ])
          }
          continue
        case .stillSilent: continue
        }
        if isWanted { ServiceNotification.tell(["WATCHDOG=1"]) }
      } while end.wait(timeout: .now() + .milliseconds(milliseconds)) == .timedOut
    }
  }

  /// Looks no more.
  func stop() { end.signal() }
}
