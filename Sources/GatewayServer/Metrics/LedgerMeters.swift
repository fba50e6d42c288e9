import Ledgers
import Metrics

/// Measures the ledger's transactions, on its own thread.
final class LedgerMeters: LedgerObserver {
  let times = Buckets(StoreMeters.diskTimes)
  let calls = Buckets(StoreMeters.groupSizes)
  let failures = Counter()

  func transactionEnded(calls: Int, after duration: Duration, isCommitted: Bool) {
    guard isCommitted else { return failures.add() }
    times.add(duration)
    self.calls.add(Int64(calls))
  }
}
