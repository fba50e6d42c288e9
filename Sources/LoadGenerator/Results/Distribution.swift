import Histogram

/// Times with what was done to them.
struct Distribution {
  let times: Tally.Times
  let correction: LoadReport.Latency.Correction
  private(set) var filledIn: UInt64 = 0
  private(set) var expectedInterval: UInt64?

  init(_ times: Tally.Times, correction: LoadReport.Latency.Correction = .none) {
    self.times = times
    self.correction = correction
  }

  /// Fills in what was not measured while a client waited longer than the interval, in microseconds.
  init(_ measured: Tally.Times, filledInAt interval: UInt64) {
    var times = Tally.Times()
    for value in measured.recordedValues() {
      times.recordCorrectedValue(value.value, count: value.count, expectedInterval: interval)
    }
    self.times = times
    correction = .expectedInterval
    filledIn = times.totalCount - measured.totalCount
    expectedInterval = interval
  }

  /// A statistic in seconds; nil where nothing was measured.
  func value(_ statistic: Threshold.Statistic) -> Double? {
    guard times.totalCount > 0 else { return nil }
    return switch statistic {
    case .min: Double(times.min) / 1e6
    case .mean: times.mean / 1e6
    case .percentile(let percent): Double(times.valueAtPercentile(percent)) / 1e6
    case .max: Double(times.maxRecorded) / 1e6
    }
  }

  var report: LoadReport.Latency {
    let isEmpty = times.totalCount == 0
    let percentile = { Double(times.valueAtPercentile($0)) / 1e6 }
    return LoadReport.Latency(
      count: times.totalCount, filledIn: filledIn, correction: correction,
      expectedInterval: expectedInterval.map { Double($0) / 1e6 }, min: value(.min) ?? 0,
      mean: value(.mean) ?? 0, p50: isEmpty ? 0 : percentile(50), p90: isEmpty ? 0 : percentile(90),
      p99: isEmpty ? 0 : percentile(99), p999: isEmpty ? 0 : percentile(99.9), max: value(.max) ?? 0, points: points)
  }

  private var points: [LoadReport.Latency.Point] {
    guard times.totalCount > 0 else { return [] }
    return times.percentiles(ticksPerHalfDistance: 5).map { step in
      LoadReport.Latency.Point(
        percentile: step.percentileLevelIteratedTo, seconds: Double(Swift.min(step.value, times.maxRecorded)) / 1e6,
        count: step.totalCountToThisValue)
    }
  }
}
