import Glibc
import Logging
import OperatingSystem
import Synchronization

/// Looks at a gateway's parts from a thread of its own, says in the log which of them do not answer, and tells the service
/// manager that the gateway lives only while all of them do (`WatchdogSec=`).
final class Watchdog: Sendable {
  /// How long a part may owe an answer where no manager says so.
  private static let patience = Duration.seconds(15)

  private let liveness: LivenessWatch
  private let logger: Logger
  private let interval = ServiceNotification.watchdogInterval
  private let isOver = Atomic<Bool>(false)

  init(_ liveness: LivenessWatch, logger: Logger) {
    self.liveness = liveness
    self.logger = logger
  }

  /// Begins to look.
  func start() {
    DetachedThread.run { [self] in
      // Half of the time: what falls silent is then killed after one and a half of it at the latest.
      var machine = WatchdogMachine(patience: interval.map { $0 / 2 } ?? Self.patience)
      let pause = min(.seconds(1), (interval ?? .seconds(4)) / 4)
      while !isOver.load(ordering: .relaxed) {
        if isHeard(machine.see(liveness.look())), interval != nil { ServiceNotification.tell(["WATCHDOG=1"]) }
        Self.sleep(max(pause, .milliseconds(1)))
      }
    }
  }

  /// Looks no more.
  func stop() { isOver.store(true, ordering: .relaxed) }

  /// Says what there is to say.
  ///
  /// - Returns: whether the manager hears that the gateway lives.
  private func isHeard(_ verdict: WatchdogMachine.Verdict) -> Bool {
    switch verdict {
    case .alive: return true
    case .aliveAgain:
      logger.notice("All parts of the gateway answer again")
      return true
    case .fellSilent(let parts):
      for part in parts {
        logger.error(
          "A part of the gateway does not answer",
          metadata: [
            "part": "\(part.kind.rawValue)-\(part.number)",
            "seconds": .stringConvertible(Int(part.owing / .seconds(1))),
          ])
      }
      return false
    case .stillSilent: return false
    }
  }

  /// Not by a semaphore of Dispatch, which waits by the calendar: it would wait for longer where somebody sets the clock back.
  private static func sleep(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    nanosleep(&time, nil)
  }
}
