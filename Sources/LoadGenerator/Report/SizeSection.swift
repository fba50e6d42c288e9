/// Complete uploads by their size.
enum SizeSection {
  static func parts(_ sizes: [LoadReport.SizeClass]) -> [Markup] {
    guard !sizes.isEmpty else { return ["<p class=\"none\">No upload became complete.</p>\n"] }
    let most = sizes.map { Double($0.completed) }.max() ?? 1
    let rows = sizes.map { size -> [Markup] in
      [
        Markup(text: FigureText.size(Double(size.to))),
        "\(size.completed)\(PageTable.bar(Double(size.completed) / max(most, 1)))",
        Markup(text: FigureText.size(Double(size.bytes))), Markup(text: FigureText.time(size.p50)),
        Markup(text: FigureText.time(size.p99)), Markup(text: FigureText.time(size.max)),
      ]
    }
    return [PageTable.table(["up to", "uploads", "bytes", "p50", "p99", "max"], rows)]
  }
}
