import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Since when something has been at one piece of work: noted and read by any thread, without a lock.
package final class BusySince: Sendable {
  /// Of the monotonic clock, in nanoseconds; 0 at rest.
  private let since = Atomic<UInt64>(0)

  /// At rest.
  package init() {}

  /// A piece of work begins.
  ///
  /// - Returns: whether it was at rest. If not, nothing changes.
  package func begin() -> Bool {
    since.compareExchange(expected: 0, desired: Self.now, ordering: .acquiringAndReleasing).exchanged
  }

  /// The work is done.
  package func end() { since.store(0, ordering: .releasing) }

  /// For how long it has been at its work; `nil` at rest.
  package var duration: Duration? {
    let since = since.load(ordering: .acquiring)
    guard since > 0 else { return nil }
    let now = Self.now
    return .nanoseconds(Int64(clamping: now > since ? now - since : 0))
  }

  private static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
