/// What the client knows of each upload by its key, to be held against the gateway's ledger.
struct UploadBook: Sendable {
  /// Keys that are remembered at most; of those beyond it only the sum is known.
  static let most = 1_000_000

  /// Sizes of the uploads that had status 0.
  private(set) var completed: [String: Int64] = [:]
  /// Uploads that can never become complete.
  private(set) var never: Set<String> = []
  /// Complete uploads that are not in ``completed``.
  private(set) var unlisted = 0

  mutating func complete(_ key: String, size: Int64) {
    if completed.count < Self.most { completed[key] = size } else { unlisted += 1 }
  }

  mutating func dropped(_ key: String) {
    if never.count < Self.most { never.insert(key) }
  }

  mutating func add(_ other: UploadBook) {
    completed.merge(other.completed) { ours, _ in ours }
    never.formUnion(other.never)
    unlisted += other.unlisted
  }
}
