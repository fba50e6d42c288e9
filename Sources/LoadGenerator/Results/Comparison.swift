/// Two runs side by side.
package struct Comparison: Hashable, Sendable {
  /// One figure of both.
  package struct Row: Hashable, Sendable {
    /// Which way is better.
    package enum Better: String, Hashable, Sendable {
      /// Less of it.
      case lower
      /// More of it.
      case higher
      /// Neither.
      case neither
    }

    /// What it is, for a person.
    package var name: String
    /// Of the earlier run; nil where it was not measured.
    package var old: Double?
    /// Of the later run.
    package var new: Double?
    /// The earlier figure for a person.
    package var oldText: String
    /// The later figure for a person.
    package var newText: String
    /// Which way is better.
    package var better: Better

    /// The change in relation to the earlier figure: 0.1 is 10 % more. Nil where there is no such relation.
    package var change: Double? {
      guard let old, let new, old != 0 else { return nil }
      return (new - old) / old
    }

    /// `+10 %`, `same`, or empty without a relation.
    package var changeText: String {
      guard let old, let new else { return "" }
      if old == new { return "same" }
      guard let change else { return "" }
      let percent = (change * 1000).rounded() / 10
      return "\(percent > 0 ? "+" : "")\(percent) %"
    }
  }

  /// What of the plan is not the same: then the figures are of different things.
  package var planDifferences: [String]
  /// The figures.
  package var rows: [Row]

  /// Compares an earlier run with a later one.
  package init(_ old: LoadReport, _ new: LoadReport) {
    planDifferences = Self.planDifferences(old.shape, new.shape)
    typealias Value = (LoadReport) -> Double?
    func row(_ name: String, _ better: Row.Better, _ text: (Double) -> String, _ value: Value) -> Row {
      let (old, new) = (value(old), value(new))
      return Row(
        name: name, old: old, new: new, oldText: old.map(text) ?? "-", newText: new.map(text) ?? "-", better: better)
    }
    let number = FigureText.whole
    let perSecond = { (value: Double) in FigureText.size(value) + "/s" }
    var rows = [
      row("throughput", .higher, perSecond) {
        $0.seconds > 0 ? Double($0.totals.completedBytes) / $0.seconds : nil
      },
      row("uploads a second", .higher, FigureText.digits) {
        $0.seconds > 0 ? Double($0.totals.completed) / $0.seconds : nil
      },
      row("complete uploads", .neither, number) { Double($0.totals.completed) },
      row("errors", .lower, number) { Double($0.totals.errors) },
      row("resumes", .neither, number) { Double($0.totals.resumes) },
      row("retries", .lower, number) { Double($0.totals.retries) },
    ]
    let intervals: [(String, KeyPath<LoadReport.Latencies, LoadReport.Latency>)] = [
      ("upload", \.upload), ("connect", \.connect), ("offer", \.offer), ("final", \.final),
    ]
    let points: [(String, KeyPath<LoadReport.Latency, Double>)] = [
      ("p50", \.p50), ("p99", \.p99), ("p99.9", \.p999), ("max", \.max),
    ]
    for (name, interval) in intervals {
      for (point, value) in points {
        rows.append(
          row("\(name) \(point)", .lower, FigureText.time) { report in
            let latency = report.latency[keyPath: interval]
            return latency.count > 0 ? latency[keyPath: value] : nil
          })
      }
    }
    rows.append(row("generator's CPU for a GiB", .neither, FigureText.time) { $0.generator.cpuSecondsPerGiB })
    self.rows = rows
  }

  private static func planDifferences(_ old: LoadReport.Shape, _ new: LoadReport.Shape) -> [String] {
    var texts: [String] = []
    if old.loop != new.loop || old.arrivals != new.arrivals || old.stages != new.stages || old.count != new.count {
      texts.append("the runs have other stages")
    }
    if old.uploads != new.uploads { texts.append("the runs upload something else") }
    if old.connection != new.connection { texts.append("the runs connect in another way") }
    if old.faults != new.faults { texts.append("the runs have other faults") }
    if old.targets != new.targets { texts.append("the runs have other targets") }
    if old.seed != new.seed { texts.append("the runs have other seeds") }
    return texts
  }
}
