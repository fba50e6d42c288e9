#if PostgreSQL
  import Synchronization

  /// Tells the operator once when the database cannot be reached any more, and once when it can.
  final class DatabasePresence: Sendable {
    private let hasGone = Atomic(false)
    private let tell: @Sendable (LedgerNotice) -> Void

    init(tell: @escaping @Sendable (LedgerNotice) -> Void) {
      self.tell = tell
    }

    func isThere() {
      guard hasGone.load(ordering: .relaxed) else { return }
      if hasGone.exchange(false, ordering: .relaxed) { tell(.back) }
    }

    /// - Parameter why: for the operator.
    func isAway(_ why: String) {
      if !hasGone.exchange(true, ordering: .relaxed) { tell(.away(description: why)) }
    }
  }
#endif
