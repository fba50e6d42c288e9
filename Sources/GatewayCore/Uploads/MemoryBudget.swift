import Synchronization

/// Counts the bytes of all uploads that were received and not yet passed on, against one bound for the process.
///
/// The bound is kept by asking uploads to pause, each of which may have one more read in flight: the true maximum is
/// the bound and one read for each connection.
package final class MemoryBudget: Sendable {
  /// In bytes.
  package let limit: Int
  private let inUse = Atomic<Int>(0)
  private let leftBehind = Atomic<Int>(0)

  /// - Parameter limit: in bytes.
  package init(limit: Int) {
    self.limit = limit
  }

  /// Whether uploads should pause.
  package var isExceeded: Bool { inUse.load(ordering: .relaxed) > limit }

  /// Bytes held now.
  package var bytesInUse: Int { inUse.load(ordering: .relaxed) }

  /// Whether half of ``limit`` is what clients that are gone left behind: no pausing makes that less, and each new client
  /// could add to it.
  package var isMuchLeftBehind: Bool { leftBehind.load(ordering: .relaxed) > limit / 2 }

  func take(_ count: Int) {
    inUse.add(count, ordering: .relaxed)
  }

  func giveBack(_ count: Int) {
    inUse.subtract(count, ordering: .relaxed)
  }

  /// A forwarder holds so many bytes whose sink is gone, or that are no upload's.
  package func takeLeftBehind(_ count: Int) {
    inUse.add(count, ordering: .relaxed)
    leftBehind.add(count, ordering: .relaxed)
  }

  /// It holds them no more.
  package func giveBackLeftBehind(_ count: Int) {
    inUse.subtract(count, ordering: .relaxed)
    leftBehind.subtract(count, ordering: .relaxed)
  }
}
