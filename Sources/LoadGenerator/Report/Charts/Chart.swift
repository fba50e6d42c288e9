/// Lines over two axes. The drawing stretches with the page and its texts do not, so they can be read at any width:
/// texts are HTML beside an SVG without any.
struct Chart {
  /// One line.
  struct Line {
    /// Which color it has; `a` to `d` stand for one each, `bad` is that of errors.
    enum Color: String {
      case a, b, c, d, bad
    }

    var name: String
    var color: Color
    /// Of the earlier of two runs: dashed.
    var isEarlier = false
    /// Whether the area below it has color too.
    var isFilled = false
    /// Where it goes, from 0 to 1 from the left and from below; a gap between any two of them.
    var runs: [[(x: Double, y: Double)]]
  }

  /// A part of the width that says something when it is pointed at.
  struct Hint {
    var from: Double
    var to: Double
    var text: String
  }

  var title: String
  /// What the vertical axis counts, and from where.
  var note = ""
  var across: Scale
  var up: Scale
  var lines: [Line]
  var hints: [Hint] = []

  var markup: Markup {
    """
    <figure class="chart">
    <figcaption><b>\(title)</b> <span class="note">\(note)</span>\(legend)</figcaption>
    <div class="plot">
    \(up.ticks.map(vertical))
    <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="\(title)">
    \(up.ticks.map { tick in "<path class=\"grid\" d=\"M0 \(Self.number(1 - tick.position))H1000\"/>" })
    \(across.ticks.map { tick in "<path class=\"grid\" d=\"M\(Self.number(tick.position)) 0V1000\"/>" })
    \(lines.filter(\.isFilled).map(area))
    \(lines.filter(\.isEarlier).map(stroke))
    \(lines.filter { !$0.isEarlier }.map(stroke))
    \(hints.map(hint))
    </svg>
    \(across.ticks.map(horizontal))
    </div>
    </figure>

    """
  }

  private var legend: Markup {
    let current = lines.filter { !$0.isEarlier }
    let hasEarlier = current.count < lines.count
    guard lines.count > 1 else { return .nothing }
    let entries = current.map { key($0.name, classes($0)) } + (hasEarlier ? [key("before", "before")] : [])
    return "<span class=\"legend\">\(entries)</span>"
  }

  private func key(_ name: String, _ kind: String) -> Markup {
    """
    <span class="key"><svg viewBox="0 0 20 10" aria-hidden="true"><path class="\(kind)" d="M0 5H20"/></svg>\(name)</span>
    """
  }

  private func vertical(_ tick: Scale.Tick) -> Markup {
    "<span class=\"up\" style=\"bottom:\(Self.percent(tick.position))\">\(tick.text)</span>"
  }

  private func horizontal(_ tick: Scale.Tick) -> Markup {
    let edge = tick.position > 0.96 ? " last" : tick.position < 0.01 ? " first" : ""
    return "<span class=\"across\(edge)\" style=\"left:\(Self.percent(tick.position))\">\(tick.text)</span>"
  }

  private func classes(_ line: Line) -> String { "line \(line.color.rawValue)\(line.isEarlier ? " old" : "")" }

  private func stroke(_ line: Line) -> Markup {
    let path = line.runs.filter { !$0.isEmpty }.map { "M" + Self.points($0) }.joined()
    return path.isEmpty ? .nothing : "<path class=\"\(classes(line))\" d=\"\(path)\"/>"
  }

  private func area(_ line: Line) -> Markup {
    let path = line.runs.compactMap { run -> String? in
      guard let first = run.first, let last = run.last else { return nil }
      return "M\(Self.number(first.x)) 1000L" + Self.points(run) + "L\(Self.number(last.x)) 1000Z"
    }.joined()
    return path.isEmpty ? .nothing : "<path class=\"area \(line.color.rawValue)\" d=\"\(path)\"/>"
  }

  private func hint(_ hint: Hint) -> Markup {
    """
    <rect class="hint" x="\(Self.number(hint.from))" y="0" width="\(Self.number(hint.to - hint.from))" height="1000">\
    <title>\(hint.text)</title></rect>
    """
  }

  private static func points(_ run: [(x: Double, y: Double)]) -> String {
    run.map { "\(number($0.x)) \(number(1 - $0.y))" }.joined(separator: "L")
  }

  /// Of the drawing's 1000 units, to a tenth.
  private static func number(_ share: Double) -> String {
    guard share.isFinite else { return "0" }
    let tenths = Int((min(max(share, 0), 1) * 10_000).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }

  private static func percent(_ share: Double) -> String { "\((min(max(share, 0), 1) * 10_000).rounded() / 100)%" }
}
