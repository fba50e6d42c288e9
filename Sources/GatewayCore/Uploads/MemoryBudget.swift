import Synchronization

/// Counts the bytes of all uploads that were received and not yet passed on, and what connections hold by being there, against
/// one bound for the process.
///
/// The bound is kept by asking uploads to pause, each of which may have one more read in flight: the true maximum is
/// the bound and one read for each connection. What is full is felt in this order: new uploads are refused
/// (``isCrowded``), uploads are not read (``isShort(holding:)``), no connection is accepted (``isOverfull``).
package final class MemoryBudget: Sendable {
  /// In bytes.
  package let limit: Int
  private let inUse = Atomic<Int>(0)
  private let leftBehind = Atomic<Int>(0)
  private let ofConnections = Atomic<Int>(0)
  private let uploads = Atomic<Int>(0)

  /// So little is nobody's reason to be refused.
  private static let little = 4 << 20

  /// - Parameter limit: in bytes.
  package init(limit: Int) {
    self.limit = limit
  }

  /// What uploads may have: connections take theirs of it, but never more than half.
  private var share: Int { limit - min(bytesOfConnections, limit / 2) }

  /// Whether uploads should pause.
  package var isExceeded: Bool { bytesInUse > share }

  /// Whether an upload that holds so many bytes should pause. While more than half is in use nobody has more than his part
  /// of three quarters: or those who came first would have all of it, and leave nothing for who comes next.
  func isShort(holding count: Int) -> Bool {
    let (used, share) = (bytesInUse, share)
    if used > share { return true }
    return used > share / 2 && count > (share - share / 4) / max(1, uploads.load(ordering: .relaxed))
  }

  /// Whether whoever begins an upload should come again later: reading would have to stop soon.
  package var isCrowded: Bool {
    bytesInUse > max(share - share / 8, Self.little) || bytesOfConnections > mostOfConnections / 8 * 7
  }

  /// Whether no connection should be accepted: uploads pause already, and what is held grows all the same.
  package var isOverfull: Bool {
    bytesOfConnections > mostOfConnections || bytesInUse > max(limit + limit / 8, Self.little)
  }

  /// What connections may hold, in bytes.
  package var mostOfConnections: Int { max(limit / 2, Self.little) }

  /// Bytes of uploads that are held now.
  package var bytesInUse: Int { inUse.load(ordering: .relaxed) }

  /// Bytes that connections hold by being there, as far as they are reckoned.
  package var bytesOfConnections: Int { ofConnections.load(ordering: .relaxed) }

  /// Whether half of ``limit`` is what clients that are gone left behind: no pausing makes that less, and each new client
  /// could add to it.
  package var isMuchLeftBehind: Bool { leftBehind.load(ordering: .relaxed) > limit / 2 }

  func take(_ count: Int) {
    inUse.add(count, ordering: .relaxed)
  }

  func giveBack(_ count: Int) {
    inUse.subtract(count, ordering: .relaxed)
  }

  /// An upload may bring bytes from now on, or brings none any more (-1).
  func changeUploads(by change: Int) { uploads.add(change, ordering: .relaxed) }

  /// A connection holds so many bytes more, or less.
  package func changeConnections(by count: Int) { ofConnections.add(count, ordering: .relaxed) }

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
