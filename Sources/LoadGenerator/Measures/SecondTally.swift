import Histogram

/// What happened since it was last asked, on one event loop or on all.
struct SecondTally: Sendable {
  var begun = 0
  var completed = 0
  var errors = 0
  var sentBytes: Int64 = 0
  var completedBytes: Int64 = 0
  var open = 0
  var waiting = 0
  var times = Tally.Times(numberOfSignificantValueDigits: .two)

  mutating func add(_ other: SecondTally) {
    begun += other.begun
    completed += other.completed
    errors += other.errors
    sentBytes += other.sentBytes
    completedBytes += other.completedBytes
    open += other.open
    waiting += other.waiting
    times.add(other.times)
  }

  /// As an entry of the timeline.
  func report(second: Int, cpuSeconds: Double) -> LoadReport.Second {
    var report = LoadReport.Second(second: second)
    report.begun = begun
    report.completed = completed
    report.errors = errors
    report.sentBytes = sentBytes
    report.completedBytes = completedBytes
    report.open = open
    report.waiting = waiting
    report.cpuSeconds = cpuSeconds
    if times.totalCount > 0 {
      report.p50 = Double(times.valueAtPercentile(50)) / 1e6
      report.p99 = Double(times.valueAtPercentile(99)) / 1e6
      report.max = Double(times.maxRecorded) / 1e6
    }
    return report
  }
}
