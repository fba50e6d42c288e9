/// Distributions of the four times over percentiles, of one run or of two.
enum PercentileChart {
  static func chart(_ report: LoadReport, _ earlier: LoadReport?) -> Chart {
    let all = [report, earlier].compactMap { $0?.latency }.flatMap(TimedPart.all).map(\.latency)
    let points = all.flatMap(\.points).map(\.seconds).filter { $0 > 0 }
    let across = Scale.percentiles(ofCount: all.map { Double($0.count) }.max() ?? 0)
    let up = Scale.logarithmic(from: points.min() ?? 0.001, to: points.max() ?? 0.01, text: FigureText.time)
    let old = earlier.map { lines(TimedPart.all($0.latency), across, up, isEarlier: true) } ?? []
    return Chart(
      title: "Latency by percentile", note: "how long all but the slowest took; both axes logarithmic", across: across,
      up: up, lines: lines(TimedPart.all(report.latency), across, up, isEarlier: false) + old)
  }

  private static func lines(_ parts: [TimedPart], _ across: Scale, _ up: Scale, isEarlier: Bool) -> [Chart.Line] {
    parts.filter { $0.latency.count > 0 }.map { part in
      var run = part.latency.points.map { (across.position($0.percentile), up.position($0.seconds)) }
      // Where fewer were measured than in another distribution, the line ends at its own last one.
      let end = across.position(100 * (1 - 1 / Double(max(part.latency.count, 1))))
      run = run.map { (min($0.0, max(end, 0)), $0.1) }
      return Chart.Line(
        name: part.name + (isEarlier ? ", before" : ""), color: part.color, isEarlier: isEarlier, runs: [run])
    }
  }
}

/// One of the four times with its name and color.
struct TimedPart {
  var name: String
  var meaning: String
  var color: Chart.Line.Color
  var latency: LoadReport.Latency

  static func all(_ latency: LoadReport.Latencies) -> [TimedPart] {
    [
      TimedPart(name: "whole", meaning: "the upload, to status 0", color: .a, latency: latency.upload),
      TimedPart(name: "connect", meaning: "TCP and TLS", color: .d, latency: latency.connect),
      TimedPart(name: "offer", meaning: "to the server's offer", color: .b, latency: latency.offer),
      TimedPart(name: "final", meaning: "from the last byte to the final packet", color: .c, latency: latency.final),
    ]
  }
}
