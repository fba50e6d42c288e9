import GatewayCore
import Synchronization

/// Which commits a power cut may still take back, and whether writing some of them has failed.
final class UnflushedCommits: Sendable {
  private let made = Atomic<UInt64>(0)
  private let flushed = Atomic<UInt64>(0)
  private let failed = Atomic<UInt64>(0)
  private let repaired = Atomic<UInt64>(0)
  private let lastFailure = Mutex("")

  /// A transaction that changed something was committed, and nobody has heard of it yet.
  func committed(isFlushed: Bool) {
    let count = made.add(1, ordering: .relaxed).newValue
    if isFlushed { flushed.max(count, ordering: .releasing) }
  }

  /// Whether a flush is owed to some of them.
  var isOwed: Bool { flushed.load(ordering: .acquiring) < made.load(ordering: .acquiring) }

  /// Has `flush` see to it that all commits so far survive a power cut; does nothing where they do.
  func flush(_ flush: () throws(LedgerError) -> Void) throws(LedgerError) {
    let count = made.load(ordering: .acquiring)
    guard flushed.load(ordering: .acquiring) < count else { return }
    try flush()
    flushed.max(count, ordering: .releasing)
  }

  /// Writing the log failed: the system takes its pages for written all the same, and a power cut takes back also what
  /// is committed and flushed after them.
  ///
  /// - Parameter description: for the operator.
  func noteFailure(_ description: String) {
    lastFailure.withLock { $0 = description }
    failed.add(1, ordering: .releasing)
  }

  /// Whether the log may have a hole on the disk. Then no flush says anything.
  var isHoled: Bool { repaired.load(ordering: .acquiring) < failed.load(ordering: .acquiring) }

  /// Of the last failure.
  var failure: String { lastFailure.withLock { $0 } }

  /// Where the log may have a hole, has `repair` bring all that is committed to the disk. On the writer's thread.
  ///
  /// - Returns: whether there was something to repair.
  func repair(_ repair: () throws(LedgerError) -> Void) throws(LedgerError) -> Bool {
    let count = failed.load(ordering: .acquiring)
    guard repaired.load(ordering: .acquiring) < count else { return false }
    let commits = made.load(ordering: .acquiring)
    try repair()
    flushed.max(commits, ordering: .releasing)
    repaired.max(count, ordering: .releasing)
    return true
  }
}
