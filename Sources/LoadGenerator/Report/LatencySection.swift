/// How long things took.
enum LatencySection {
  static func parts(_ report: LoadReport, _ earlier: LoadReport?) -> [Markup] {
    let parts = TimedPart.all(report.latency)
    guard parts.contains(where: { $0.latency.count > 0 }) else {
      return ["<p class=\"none\">Nothing was measured.</p>\n"]
    }
    return [PercentileChart.chart(report, earlier).markup, table(parts), notes(report.latency.upload)]
  }

  /// Kinds are columns: a page of a phone has room for four, and not for all the percentiles.
  private static func table(_ parts: [TimedPart]) -> Markup {
    let rows: [(String, KeyPath<LoadReport.Latency, Double>)] = [
      ("min", \.min), ("mean", \.mean), ("p50", \.p50), ("p90", \.p90), ("p99", \.p99), ("p99.9", \.p999),
      ("max", \.max),
    ]
    let counts = [Markup(text: "count")] + parts.map { Markup(text: "\($0.latency.count)") }
    let times = rows.map { name, value in
      [Markup(text: name)]
        + parts.map { Markup(text: $0.latency.count > 0 ? FigureText.time($0.latency[keyPath: value]) : "-") }
    }
    return PageTable.table([""] + parts.map(\.name), [counts] + times)
      + PageTable.definitions(parts.map { ($0.name, Markup(text: $0.meaning)) })
  }

  private static func notes(_ upload: LoadReport.Latency) -> Markup {
    switch upload.correction {
    case .intendedStart:
      """
      <p class="note">Offer and whole count from the moment that the schedule asked for, so that a server which stands
      still does not hide it.</p>

      """
    case .expectedInterval:
      """
      <p class="note">Whole uploads are corrected for coordinated omission: \("\(upload.filledIn)") were filled in.</p>

      """
    case .none:
      """
      <p class="note">Whole uploads count from their own begin: what could not begin meanwhile is not in them.</p>

      """
    }
  }
}

extension Markup {
  static func + (left: Markup, right: Markup) -> Markup { Markup([left, right]) }
}
