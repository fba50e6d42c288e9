/// A timeline in as many steps as can be told apart: a run of a day has 86,400 seconds, and a page 240 dots beside each
/// other.
struct SecondSeries {
  static let most = 240

  /// Seconds that follow each other.
  struct Step {
    var from: Double
    var to: Double
    var seconds: ArraySlice<LoadReport.Second>

    /// The mean of a count a second.
    func rate(_ count: (LoadReport.Second) -> Double) -> Double {
      seconds.reduce(0) { $0 + count($1) } / max(Double(seconds.count), 1)
    }

    /// The largest of what some seconds have.
    func largest(_ value: (LoadReport.Second) -> Double?) -> Double? { seconds.compactMap(value).max() }
  }

  let steps: [Step]
  /// When the last one ends.
  let end: Double

  init(_ timeline: [LoadReport.Second]) {
    let width = max(1, (timeline.count + Self.most - 1) / Self.most)
    steps = stride(from: 0, to: timeline.count, by: width).map { start in
      let end = min(start + width, timeline.count)
      return Step(from: Double(start), to: Double(end), seconds: timeline[start..<end])
    }
    end = Double(timeline.count)
  }

  /// A line of horizontal pieces, interrupted where there is no value.
  func line(_ across: Scale, _ up: Scale, _ value: (Step) -> Double?) -> [[(x: Double, y: Double)]] {
    var runs: [[(x: Double, y: Double)]] = [[]]
    for step in steps {
      guard let value = value(step) else {
        if runs.last?.isEmpty == false { runs.append([]) }
        continue
      }
      let y = up.position(value)
      runs[runs.count - 1] += [(across.position(step.from), y), (across.position(step.to), y)]
    }
    return runs.filter { !$0.isEmpty }
  }

  /// What each step says when it is pointed at.
  func hints(_ across: Scale, _ text: (Step) -> String) -> [Chart.Hint] {
    steps.map { step in
      let time = step.seconds.count == 1 ? "\(Int(step.from)) s" : "\(Int(step.from)) to \(Int(step.to)) s"
      return Chart.Hint(
        from: across.position(step.from), to: across.position(step.to), text: "\(time): \(text(step))")
    }
  }
}
