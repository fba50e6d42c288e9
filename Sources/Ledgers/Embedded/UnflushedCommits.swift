import GatewayCore
import Synchronization

/// Which commits a power cut may still take back, and whether writing some of them has failed.
final class UnflushedCommits: Sendable {
  /// What the process before this one committed counts as one.
  private let made = Atomic<UInt64>(1)
  private let flushed = Atomic<UInt64>(0)
  private let failed = Atomic<UInt64>(0)
  private let repaired = Atomic<UInt64>(0)

  /// A transaction was committed, and nobody has heard of it yet.
  func committed(isFlushed: Bool) {
    let count = made.add(1, ordering: .relaxed).newValue
    if isFlushed { flushed.max(count, ordering: .releasing) }
  }

  /// Has `flush` see to it that all commits so far survive a power cut; does nothing where they do.
  func flush(_ flush: () throws(LedgerError) -> Void) throws(LedgerError) {
    let count = made.load(ordering: .acquiring)
    guard flushed.load(ordering: .acquiring) < count else { return }
    try flush()
    flushed.max(count, ordering: .releasing)
  }

  /// Writing the log failed: the system takes its pages for written all the same, and a power cut takes back also what
  /// is committed and flushed after them.
  func noteFailure() {
    failed.add(1, ordering: .releasing)
  }

  /// Where the log has a hole, has `repair` put all that it holds elsewhere.
  func repair(_ repair: () throws(LedgerError) -> Void) throws(LedgerError) {
    let count = failed.load(ordering: .acquiring)
    guard repaired.load(ordering: .acquiring) < count else { return }
    try repair()
    repaired.max(count, ordering: .releasing)
  }
}
