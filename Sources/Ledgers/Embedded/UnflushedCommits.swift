import GatewayCore
import Synchronization

/// Which commits a power cut may still take back.
final class UnflushedCommits: Sendable {
  private let made = Atomic<UInt64>(0)
  private let flushed = Atomic<UInt64>(0)

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
}
