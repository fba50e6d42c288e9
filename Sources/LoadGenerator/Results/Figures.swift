import Histogram

/// What thresholds are held against.
struct Figures {
  let tally: Tally
  let upload: Distribution
  let seconds: Double
  let load: Double

  func result(_ threshold: Threshold) -> LoadReport.ThresholdResult {
    let measured = value(of: threshold.measure)
    return LoadReport.ThresholdResult(
      expectation: threshold.text, measured: measured,
      text: measured.map { FigureText.text($0, of: threshold.measure) } ?? "nothing was measured",
      isMet: measured.map(threshold.isMet) ?? false)
  }

  /// Errors that no threshold speaks of: none is what has to be.
  ///
  /// - Returns: a threshold that is not met, or nothing.
  func unspoken(_ thresholds: [Threshold]) -> [LoadReport.ThresholdResult] {
    var statuses: Set<Int> = []
    var left = tally.totals.errors
    for threshold in thresholds {
      switch threshold.measure {
      case .count(.errors), .errorRate: return []
      // These are some of the errors, once each.
      case .count(.failed): left -= statuses.isEmpty ? tally.totals.failed : 0
      case .status(let status): if statuses.insert(status).inserted { left -= tally.errors.count(ofStatus: status) }
      case .latency, .count, .throughput, .rate, .load: break
      }
    }
    guard left > 0 else { return [] }
    let spoken = left < tally.totals.errors ? "other errors = 0" : "errors = 0"
    return [LoadReport.ThresholdResult(expectation: spoken, measured: Double(left), text: "\(left)", isMet: false)]
  }

  /// In the unit of the measure; nil where there is nothing to measure.
  func value(of measure: Threshold.Measure) -> Double? {
    switch measure {
    case .latency(let statistic, .upload): upload.value(statistic)
    case .latency(let statistic, .connect): Distribution(tally.connect).value(statistic)
    case .latency(let statistic, .offer): Distribution(tally.offer).value(statistic)
    case .latency(let statistic, .final): Distribution(tally.final).value(statistic)
    case .count(let count): Double(self.count(count))
    case .status(let status): Double(tally.errors.count(ofStatus: status))
    case .errorRate:
      tally.totals.begun > 0 ? Double(tally.totals.errors) / Double(tally.totals.begun) * 100 : nil
    case .throughput: seconds > 0 ? Double(tally.totals.completedBytes) / seconds : nil
    case .rate: seconds > 0 ? Double(tally.totals.completed) / seconds : nil
    case .load: load * 100
    }
  }

  private func count(_ count: Threshold.Count) -> Int {
    switch count {
    case .errors: tally.totals.errors
    case .failed: tally.totals.failed
    case .completed: tally.totals.completed
    case .begun: tally.totals.begun
    case .unfinished: tally.totals.unfinished
    case .missed: tally.totals.missed
    case .retries: tally.totals.retries
    case .resumes: tally.totals.resumes
    case .violations: tally.checks.values.reduce(0) { $0 + $1.violations }
    }
  }
}
