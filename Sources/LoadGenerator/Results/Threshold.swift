/// What a figure of the result has to be: `p99 < 250ms`, `errors = 0`, `throughput > 1 GiB/s`.
///
/// The grammar is in docs/load.md: a measure, one of `<`, `<=`, `=`, `>=`, `>`, and a value in the measure's unit.
package struct Threshold: Hashable, Sendable {
  /// A figure of the result.
  package enum Measure: Hashable, Sendable {
    /// A point of one of the distributions.
    case latency(Statistic, of: Interval)
    /// One of the sums.
    case count(Count)
    /// Uploads that failed with a status of the protocol.
    case status(Int)
    /// Errors in percent of the uploads that began.
    case errorRate
    /// Bytes of complete uploads for each second.
    case throughput
    /// Complete uploads for each second.
    case rate
    /// The generator's own processor time in percent of its threads'.
    case load
  }

  /// A point of a distribution.
  package enum Statistic: Hashable, Sendable {
    /// The shortest.
    case min
    /// The arithmetic mean.
    case mean
    /// No more than this for so many percent, 0 to 100.
    case percentile(Double)
    /// The longest.
    case max
  }

  /// Which distribution.
  package enum Interval: String, Hashable, Sendable, CaseIterable {
    /// To the end of the handshake.
    case connect
    /// To the offer.
    case offer
    /// From the last byte to the final packet.
    case final
    /// The whole upload.
    case upload
  }

  /// Which sum.
  package enum Count: String, Hashable, Sendable, CaseIterable {
    /// Failed uploads, those left over at the end of the drain, and checks that did not hold.
    case errors
    /// Failed uploads.
    case failed
    /// Complete uploads.
    case completed
    /// Uploads that began.
    case begun
    /// Uploads that were under way at the end.
    case unfinished
    /// Uploads that were due and never begun.
    case missed
    /// Uploads begun again.
    case retries
    /// Uploads gone on with.
    case resumes
    /// Checks that did not hold.
    case violations
  }

  /// How the figure has to stand to the value.
  package enum Comparison: String, Hashable, Sendable, CaseIterable {
    /// Below it.
    case less = "<"
    /// Not above it.
    case lessOrEqual = "<="
    /// It exactly.
    case equal = "="
    /// Not below it.
    case greaterOrEqual = ">="
    /// Above it.
    case greater = ">"
  }

  /// As it was written.
  package var text: String
  /// The figure.
  package var measure: Measure
  /// How it has to stand to the value.
  package var comparison: Comparison
  /// In the measure's unit: seconds, bytes a second, uploads a second, percent, or a number.
  package var value: Double

  /// Whether a figure is as it has to be.
  package func isMet(by measured: Double) -> Bool {
    switch comparison {
    case .less: measured < value
    case .lessOrEqual: measured <= value
    case .equal: measured == value
    case .greaterOrEqual: measured >= value
    case .greater: measured > value
    }
  }
}
