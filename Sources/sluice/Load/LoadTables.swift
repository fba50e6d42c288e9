import LoadGenerator

/// A result in the terminal.
enum LoadTables {
  static func lines(_ report: LoadReport) -> [String] {
    head(report) + latencies(report.latency) + sizes(report.sizes) + errors("ERROR", report.errors)
      + errors("WENT ON AFTER", report.setbacks) + faults(report.faults) + checks(report)
      + thresholds(report.thresholds)
      + foot(report)
  }

  static func lines(_ comparison: Comparison) -> [String] {
    var table = TextTable("", "BEFORE", "NOW", "CHANGE")
    for row in comparison.rows { table.append(row.name, row.oldText, row.newText, row.changeText) }
    return [""] + comparison.planDifferences.map { "Note: \($0)." } + table.lines()
  }

  private static func head(_ report: LoadReport) -> [String] {
    let totals = report.totals
    let throughput = report.seconds > 0 ? Double(totals.completedBytes) / report.seconds : 0
    let rate = report.seconds > 0 ? Double(totals.completed) / report.seconds : 0
    var counts = ["\(totals.begun) begun", "\(totals.completed) complete"]
    for (count, word) in [
      (totals.faulted, "ended by their faults"), (totals.failed, "failed"), (totals.unfinished, "unfinished"),
      (totals.missed, "never begun"), (totals.resumes, "resumes"), (totals.retries, "retries"),
    ] where count > 0 { counts.append("\(count) \(word)") }
    return [
      "\(report.name): \(report.verdict.rawValue), \(FigureText.digits(report.seconds)) s",
      "Uploads: " + counts.joined(separator: ", "),
      "Complete: \(FigureText.size(Double(totals.completedBytes))), \(FigureText.size(throughput))/s, "
        + "\(FigureText.digits(rate)) uploads/s; \(totals.connections) connections"
        + (totals.resumedHandshakes > 0 ? ", \(totals.resumedHandshakes) of them resumed" : ""),
    ]
  }

  private static func latencies(_ latency: LoadReport.Latencies) -> [String] {
    var table = TextTable("TIME", "COUNT", "MIN", "MEAN", "P50", "P90", "P99", "P99.9", "MAX")
    for (name, times) in [
      ("connect", latency.connect), ("offer", latency.offer), ("final", latency.final), ("upload", latency.upload),
    ] where times.count > 0 {
      table.append(
        name, "\(times.count)", FigureText.time(times.min), FigureText.time(times.mean), FigureText.time(times.p50),
        FigureText.time(times.p90), FigureText.time(times.p99), FigureText.time(times.p999), FigureText.time(times.max))
    }
    let note =
      switch latency.upload.correction {
      case .intendedStart: "Offer and upload count from the moment that the schedule asked for."
      case .expectedInterval: "Upload is corrected for coordinated omission: \(latency.upload.filledIn) filled in."
      case .none: ""
      }
    return [""] + table.lines() + (note.isEmpty ? [] : [note])
  }

  private static func sizes(_ sizes: [LoadReport.SizeClass]) -> [String] {
    guard sizes.count > 1 else { return [] }
    var table = TextTable("UP TO", "COUNT", "BYTES", "P50", "P99", "MAX")
    for size in sizes {
      table.append(
        FigureText.size(Double(size.to)), "\(size.completed)", FigureText.size(Double(size.bytes)),
        FigureText.time(size.p50), FigureText.time(size.p99), FigureText.time(size.max))
    }
    return [""] + table.lines()
  }

  private static func errors(_ title: String, _ errors: [LoadReport.ErrorCount]) -> [String] {
    guard !errors.isEmpty else { return [] }
    var table = TextTable(title, "COUNT", "THE FIRST")
    for error in errors {
      let name = error.status.map { "status \($0) \(error.name)" } ?? [error.kind, error.name].joined(separator: " ")
      table.append(error.kind == error.name ? error.kind : name, "\(error.count)", error.example)
    }
    return [""] + table.lines()
  }

  private static func faults(_ faults: [LoadReport.FaultCount]) -> [String] {
    guard !faults.isEmpty else { return [] }
    var table = TextTable("FAULT", "DONE", "AS EXPECTED", "UNEXPECTED", "NOT POSSIBLE")
    for fault in faults {
      table.append(
        fault.fault.rawValue, "\(fault.done)", "\(fault.asExpected)", "\(fault.unexpected)", "\(fault.notPossible)")
    }
    return [""] + table.lines()
  }

  private static func checks(_ report: LoadReport) -> [String] {
    guard !report.checks.isEmpty else { return [] }
    var table = TextTable("CHECK", "CHECKED", "VIOLATIONS", "MEANING")
    for check in report.checks { table.append(check.check, "\(check.checked)", "\(check.violations)", check.meaning) }
    let account = report.account.map { account in
      [
        "The ledger has \(account.gatewayCompleted) of \(account.clientCompleted) complete uploads, "
          + "\(account.gatewayBytes) of \(account.clientBytes) bytes."
      ] + account.differences
    }
    return [""] + table.lines() + (account ?? [])
  }

  private static func thresholds(_ thresholds: [LoadReport.ThresholdResult]) -> [String] {
    guard !thresholds.isEmpty else { return [] }
    var table = TextTable("EXPECTED", "MEASURED", "")
    for threshold in thresholds {
      table.append(threshold.expectation, threshold.text, threshold.isMet ? "met" : "NOT MET")
    }
    return [""] + table.lines()
  }

  private static func foot(_ report: LoadReport) -> [String] {
    let generator = report.generator
    let cpu = generator.userSeconds + generator.systemSeconds
    let line =
      "Generator: \(FigureText.digits(cpu)) s of CPU, \(FigureText.digits(generator.load * 100)) % of "
      + "\(generator.threads) thread\(generator.threads == 1 ? "" : "s")"
      + (generator.cpuSecondsPerGiB.map { ", \(FigureText.digits($0)) s for a GiB" } ?? "")
      + ", \(FigureText.size(Double(generator.peakMemory))) of memory at most"
    return ["", line] + report.warnings.map { "Warning: \($0)." }
  }
}
