/// What went on over time, of one run or of two.
struct TimelineCharts {
  private let now: SecondSeries
  private let before: SecondSeries?
  private let across: Scale

  init(_ report: LoadReport, _ earlier: LoadReport?) {
    now = SecondSeries(report.timeline)
    before = earlier.map { SecondSeries($0.timeline) }
    across = .time(upTo: max(now.end, before?.end ?? 0))
  }

  var charts: [Chart] { [throughput, uploads, latency, underWay] }

  private func most(_ value: (SecondSeries.Step) -> Double?) -> Double {
    (now.steps + (before?.steps ?? [])).compactMap(value).max() ?? 0
  }

  private func line(
    _ name: String, _ color: Chart.Line.Color, _ up: Scale, isFilled: Bool = false,
    _ value: (SecondSeries.Step) -> Double?
  ) -> [Chart.Line] {
    let current = Chart.Line(name: name, color: color, isFilled: isFilled, runs: now.line(across, up, value))
    let old = before.map { series in
      Chart.Line(name: "\(name), before", color: color, isEarlier: true, runs: series.line(across, up, value))
    }
    return [current] + (old.map { [$0] } ?? [])
  }

  private var throughput: Chart {
    let sent = { (step: SecondSeries.Step) in step.rate { Double($0.sentBytes) } }
    let up = Scale.linear(upTo: most(sent), base: 2) { FigureText.size($0) }
    return Chart(
      title: "Throughput", note: "bytes sent a second", across: across, up: up,
      lines: line("sent", .a, up, isFilled: true, sent),
      hints: now.hints(across) { "\(FigureText.size(sent($0)))/s" })
  }

  private var uploads: Chart {
    let begun = { (step: SecondSeries.Step) in step.rate { Double($0.begun) } }
    let completed = { (step: SecondSeries.Step) in step.rate { Double($0.completed) } }
    let errors = { (step: SecondSeries.Step) in step.rate { Double($0.errors) } }
    let up = Scale.linear(upTo: max(most(begun), most(completed), most(errors)), least: 1) { FigureText.digits($0) }
    var lines = line("begun", .d, up, begun) + line("complete", .a, up, completed)
    if most(errors) > 0 { lines += line("errors", .bad, up, errors) }
    return Chart(
      title: "Uploads", note: "a second", across: across, up: up, lines: lines,
      hints: now.hints(across) { step in
        "\(FigureText.digits(begun(step))) begun, \(FigureText.digits(completed(step))) complete, "
          + "\(FigureText.digits(errors(step))) errors"
      })
  }

  private var latency: Chart {
    let (p50, p99, max) = (
      { (step: SecondSeries.Step) in step.largest(\.p50) }, { (step: SecondSeries.Step) in step.largest(\.p99) },
      { (step: SecondSeries.Step) in step.largest(\.max) }
    )
    let least = (now.steps + (before?.steps ?? [])).compactMap(p50).min() ?? 0.001
    let up = Scale.logarithmic(from: least, to: most(max), text: FigureText.time)
    return Chart(
      title: "Whole uploads over time", note: "by the second in which they ended", across: across, up: up,
      lines: line("p50", .a, up, p50) + line("p99", .b, up, p99) + line("longest", .c, up, max),
      hints: now.hints(across) { step in
        [("p50", p50(step)), ("p99", p99(step)), ("longest", max(step))].map { name, time in
          "\(name) \(time.map(FigureText.time) ?? "-")"
        }.joined(separator: ", ")
      })
  }

  private var underWay: Chart {
    let open = { (step: SecondSeries.Step) in step.largest { Double($0.open) } }
    let waiting = { (step: SecondSeries.Step) in step.largest { Double($0.waiting) } }
    let up = Scale.linear(upTo: max(most(open), most(waiting)), least: 1) { FigureText.digits($0) }
    var lines = line("under way", .a, up, open)
    if most(waiting) > 0 { lines += line("due, waiting for a turn", .b, up, waiting) }
    return Chart(
      title: "At once", note: "uploads at the end of each second", across: across, up: up, lines: lines,
      hints: now.hints(across) { step in
        "\(FigureText.digits(open(step) ?? 0)) under way, \(FigureText.digits(waiting(step) ?? 0)) waiting"
      })
  }
}
