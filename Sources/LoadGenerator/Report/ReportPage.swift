import TextForms

extension LoadReport {
  /// One page of HTML for people, with plots: it loads nothing, runs no script, and follows the reader's light or dark
  /// scheme. All texts are escaped, whoever wrote them.
  ///
  /// - Parameter earlier: another run, which is put beside this one.
  package func page(besides earlier: LoadReport? = nil) -> String {
    let charts = TimelineCharts(self, earlier).charts.map(\.markup)
    let markup: Markup = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta name="color-scheme" content="light dark"/>
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
      <title>\(name): \(verdict.rawValue)</title>
      <style>\(PageStyle.css)</style>
      </head>
      <body>
      <main>
      \(SummarySection.markup(self))
      \(earlier.map { ComparisonSection.markup($0, self) } ?? .nothing)
      \(section("Over time", timeline.isEmpty ? ["<p class=\"none\">The run had no second to draw.</p>"] : [
        "<div class=\"charts\">\(charts)</div>"
      ]))
      \(section("Latency", LatencySection.parts(self, earlier)))
      \(section("Sizes", SizeSection.parts(sizes)))
      \(section("Errors", ErrorSection.parts(self, earlier)))
      \(section("Faults and checks", CheckSection.parts(self)))
      \(section("What ran", PlanSection.parts(self)))
      </main>
      <footer>\(tool), <time datetime="\(startedText.iso)">\(startedText.plain)</time></footer>
      </body>
      </html>

      """
    return markup.html
  }

  private func section(_ title: String, _ parts: [Markup]) -> Markup {
    "<section><h2>\(title)</h2>\n\(parts)</section>\n"
  }

  /// When it began, for machines and for people.
  var startedText: (iso: String, plain: String) {
    let iso = RFC3339(milliseconds: max(startedAt, 0)).textInSeconds
    return (iso, iso.replacing("T", with: " ").replacing("Z", with: " UTC"))
  }

  /// Bytes of complete uploads a second; nil for a run without length.
  var throughput: Double? { seconds > 0 ? Double(totals.completedBytes) / seconds : nil }
}
