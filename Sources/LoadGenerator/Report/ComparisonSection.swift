/// An earlier run beside this one, with what changed.
enum ComparisonSection {
  static func markup(_ old: LoadReport, _ new: LoadReport) -> Markup {
    let comparison = Comparison(old, new)
    let notes = comparison.planDifferences.map { "<p class=\"warning\"><b>Mind:</b> \($0).</p>\n" as Markup }
    let rows = comparison.rows.filter { $0.old != nil || $0.new != nil }.map { row -> [Markup] in
      [Markup(text: row.name), Markup(text: row.oldText), Markup(text: row.newText), change(row)]
    }
    return """
      <section><h2>Before and now</h2>
      \(notes)<div class="runs">
      \(run("Before", old))\(run("Now", new))</div>
      \(PageTable.table(["", "before", "now", "change"], rows))\
      <p class="note">In the plots below, dashed lines are the run before.</p>
      </section>

      """
  }

  private static func run(_ title: String, _ report: LoadReport) -> Markup {
    """
    <div class="run"><b>\(title)</b> \(SummarySection.verdict(report.verdict))<br/>\
    \(report.name), \(report.startedText.plain)<br/>\(report.tool), \(FigureText.digits(report.seconds)) s</div>

    """
  }

  /// Changes of less than 5 % have no color: two runs of the same are never quite alike.
  private static func change(_ row: Comparison.Row) -> Markup {
    guard let old = row.old, let new = row.new else { return .nothing }
    let text = row.changeText.isEmpty ? "from 0" : row.changeText
    let isClear = row.change.map { abs($0) >= 0.05 } ?? (old != new)
    guard isClear, row.better != .neither, old != new else { return Markup(text: old == new ? "same" : text) }
    let isBetter = (new > old) == (row.better == .higher)
    return isBetter
      ? "<span class=\"mark good\">\(text) better</span>" : "<span class=\"mark bad\">\(text) worse</span>"
  }
}
