/// What ran, against what, and how it ended.
enum SummarySection {
  static func markup(_ report: LoadReport) -> Markup {
    let purpose: Markup = report.purpose.isEmpty ? .nothing : "<p class=\"purpose\">\(report.purpose)</p>\n"
    return """
      <header>
      <div class="title"><h1>\(report.name)</h1>\(verdict(report.verdict))</div>
      \(purpose)<p class="where">\(targets(report)) · \(report.startedText.plain) · \
      \(FigureText.digits(report.seconds)) s</p>
      </header>
      \(report.warnings.map { "<p class=\"warning\"><b>Mind:</b> \($0).</p>\n" as Markup })\
      <div class="tiles">
      \(tiles(report))</div>
      \(thresholds(report.thresholds))
      """
  }

  static func verdict(_ verdict: LoadReport.Verdict) -> Markup {
    switch verdict {
    case .passed: "<span class=\"verdict good\">✓ passed</span>"
    case .failed: "<span class=\"verdict bad\">✗ failed</span>"
    case .interrupted: "<span class=\"verdict\">‖ interrupted</span>"
    }
  }

  private static func targets(_ report: LoadReport) -> String {
    let first = report.shape.targets.first ?? "no target"
    let others = report.shape.targets.count - 1
    return others > 0 ? "\(first) and \(others) more" : first
  }

  private static func tiles(_ report: LoadReport) -> [Markup] {
    let (totals, upload) = (report.totals, report.latency.upload)
    let rate = report.seconds > 0 ? FigureText.digits(Double(totals.completed) / report.seconds) : "-"
    let time = { (value: Double) in upload.count > 0 ? FigureText.time(value) : "-" }
    return [
      PageTable.tile("complete", "\(totals.completed)", "of \(totals.begun) uploads"),
      PageTable.tile("throughput", report.throughput.map { FigureText.size($0) + "/s" } ?? "-", "of complete uploads"),
      PageTable.tile("uploads a second", rate, FigureText.size(Double(totals.completedBytes)) + " in all"),
      PageTable.tile("half within", time(upload.p50), "p50 of whole uploads"),
      PageTable.tile("99 % within", time(upload.p99), "p99"),
      PageTable.tile("longest", time(upload.max), "max"),
      PageTable.tile(
        "errors", "\(totals.errors)", totals.errors == 0 ? "none" : "see below", isBad: totals.errors > 0),
      PageTable.tile("connections", "\(totals.connections)", "\(totals.resumes) resumes, \(totals.retries) retries"),
    ]
  }

  private static func thresholds(_ thresholds: [LoadReport.ThresholdResult]) -> Markup {
    guard !thresholds.isEmpty else { return .nothing }
    let rows = thresholds.map { threshold -> [Markup] in
      [
        "<code>\(threshold.expectation)</code>", Markup(text: threshold.text),
        PageTable.mark(threshold.isMet, "met", "not met"),
      ]
    }
    return "<section><h2>Thresholds</h2>\n\(PageTable.table(["expected", "measured", ""], rows))</section>\n"
  }
}
