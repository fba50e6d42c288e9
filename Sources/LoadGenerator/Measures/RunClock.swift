import FoundationEssentials

/// When a run began.
struct RunClock: Sendable {
  private let start = ContinuousClock.now
  /// Milliseconds since 1970.
  let startedAt = Int64(Date().timeIntervalSince1970 * 1000)

  /// Since the run began.
  var seconds: Double { (ContinuousClock.now - start).seconds }
}
