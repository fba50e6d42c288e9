/// So many bytes a second, with what was not used of the last quarter of one. Has no clock: the caller says when it is.
///
/// Whoever takes bytes has them already, so they are never refused; the answer is how long to wait before the next.
/// Waiting is in the order of taking, whoever takes: the rate is shared by all, and to the byte.
struct TokenBucket {
  /// What may be saved up, in nanoseconds of the rate.
  static let burst: Int64 = 250_000_000

  /// In bytes a second.
  let rate: Int64
  /// When what was taken so far is paid for, in nanoseconds of the caller's clock.
  private var paidAt: Int64

  /// A full one.
  ///
  /// - Parameter rate: in bytes a second, above 0.
  init(rate: Int64, now: Int64) {
    self.rate = rate
    self.paidAt = now - Self.burst
  }

  /// Takes `count` bytes.
  ///
  /// - Parameter now: in nanoseconds; may go back a little where callers' clocks are read in another order.
  /// - Returns: nanoseconds to wait before the next bytes are taken; 0 where nothing is owed.
  mutating func take(_ count: Int, now: Int64) -> Int64 {
    let (product, overflow) = Int64(count).multipliedReportingOverflow(by: 1_000_000_000)
    // Rounded up, or many small portions would be had for nothing.
    let cost = overflow ? Int64(count) / rate * 1_000_000_000 : (product + rate - 1) / rate
    paidAt = max(paidAt, now - Self.burst) + cost
    return max(0, paidAt - now)
  }

  /// Whether it is as if nobody had ever taken anything.
  func isFull(at now: Int64) -> Bool { paidAt <= now - Self.burst }
}
