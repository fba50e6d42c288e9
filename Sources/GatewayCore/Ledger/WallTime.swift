/// A moment of the calendar, for what outlives the process: expiry and leases.
package struct WallTime: Hashable, Comparable, Codable, Sendable {
  /// Since 1970-01-01T00:00:00Z.
  package var milliseconds: Int64

  /// - Parameter milliseconds: since 1970-01-01T00:00:00Z.
  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  /// The moment `milliseconds` later; the far end of time where that overflows.
  package func advanced(byMilliseconds milliseconds: Int64) -> WallTime {
    let (sum, overflow) = self.milliseconds.addingReportingOverflow(milliseconds)
    return WallTime(milliseconds: overflow ? .max : sum)
  }

  /// Orders by time.
  package static func < (left: WallTime, right: WallTime) -> Bool {
    left.milliseconds < right.milliseconds
  }
}
