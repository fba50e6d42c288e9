/// Hears how the ledger's transactions end. Called on the ledger's own thread: it must not block.
package protocol LedgerObserver: Sendable {
  /// A transaction of so many calls has ended, or did not come about.
  ///
  /// - Parameter duration: with what waited for the disk in it.
  func transactionEnded(calls: Int, after duration: Duration, isCommitted: Bool)
}
