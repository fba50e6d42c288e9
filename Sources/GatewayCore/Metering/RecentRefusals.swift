internal import Synchronization

/// The last requests and uploads that were refused, for whoever wants to know why.
package final class RecentRefusals: Sendable {
  /// One of them.
  package struct Entry: Sendable {
    /// When.
    package let at: WallTime
    /// The route's path.
    package let route: String
    /// ``ClientIdentity/name``.
    package let client: String
    /// In words.
    package let reason: String
  }

  private static let most = 50
  private let entries = Mutex<[Entry]>([])

  /// The newest first.
  package var all: [Entry] { entries.withLock { $0.reversed() } }

  func add(_ entry: Entry) {
    entries.withLock { entries in
      if entries.count == Self.most { entries.removeFirst() }
      entries.append(entry)
    }
  }
}
