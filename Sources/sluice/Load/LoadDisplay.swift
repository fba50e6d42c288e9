import LoadGenerator

/// The run while it goes on: one line that is drawn over on a terminal, lines elsewhere.
struct LoadDisplay: Sendable {
  private let isShown: Bool
  private let isTerminal: Bool
  private let total: Double?

  init(_ scenario: Scenario, isQuiet: Bool) {
    isShown = !isQuiet
    isTerminal = Console.isTerminal
    total = scenario.stages.reduce(into: Double?(0)) { sum, stage in
      sum = sum.flatMap { sum in stage.time.map { sum + $0.seconds } }
    }
  }

  func show(_ second: LoadReport.Second) {
    guard isShown else { return }
    if isTerminal {
      Console.draw(String(line(second).prefix(Console.width - 1)))
    } else if second.second < 60 || second.second % 10 == 0 {
      // Nobody reads a log of hours second by second.
      Console.error(line(second))
    }
  }

  /// Takes the line away.
  func clear() {
    if isShown, isTerminal { Console.draw("") }
  }

  private func line(_ second: LoadReport.Second) -> String {
    let time = "\(second.second + 1)" + (total.map { "/\(FigureText.digits($0))" } ?? "") + " s"
    var parts = [
      time, "\(second.begun) begun", "\(second.completed) complete",
      FigureText.size(Double(second.sentBytes)) + "/s",
    ]
    if let p50 = second.p50, let p99 = second.p99 {
      parts.append("p50 \(FigureText.time(p50))")
      parts.append("p99 \(FigureText.time(p99))")
    }
    parts.append("\(second.open) open" + (second.waiting > 0 ? " and \(second.waiting) waiting" : ""))
    if second.errors > 0 { parts.append("\(second.errors) errors") }
    return parts.joined(separator: "  ")
  }
}
