/// How often and how long a failed try is followed by another one. It knows no clock.
struct Patience {
  let policy: RetryPolicy
  private var failures = 0
  /// When the last byte got safe, or when it all began.
  private var lastProgress: Duration

  /// - Parameter now: of a clock that never goes back, from any beginning.
  init(_ policy: RetryPolicy, now: Duration) {
    self.policy = policy
    lastProgress = now
  }

  /// Bytes got safe.
  mutating func progressed(now: Duration) {
    failures = 0
    lastProgress = now
  }

  /// The source had nothing to send: that time does not count.
  mutating func sourceWasSlow(now: Duration) {
    lastProgress = now
  }

  /// So much of the time that has passed does not count.
  mutating func doesNotCount(_ time: Duration) {
    lastProgress += time
  }

  /// The delay before the next try; nil where there is none.
  ///
  /// - Parameter jitter: 0 to 1, at random.
  mutating func delay(after error: UploadError, now: Duration, jitter: Double) -> Duration? {
    guard error.isWorthAnotherTry else { return nil }
    failures += 1
    var delay = policy.delay(failures: failures, jitter: jitter)
    if let wish = error.retryAfter {
      // Longer than the server asks, by up to a tenth: others wait for the same moment.
      let asked = min(wish, .seconds(1 << 31))
      delay = max(delay, asked * (1 + jitter / 10))
    }
    return now + delay - lastProgress <= policy.patience ? delay : nil
  }
}
