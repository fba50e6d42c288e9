/// What went wrong without having been meant to, and what uploads went on after.
enum ErrorSection {
  static func parts(_ report: LoadReport, _ earlier: LoadReport?) -> [Markup] {
    let errors = list(report.errors, earlier?.errors, isBad: true)
    let setbacks = list(report.setbacks, earlier?.setbacks, isBad: false)
    return [
      errors.html.isEmpty ? "<p class=\"none\">There were none.</p>\n" : errors,
      setbacks.html.isEmpty
        ? .nothing
        : "<h3>Went on after</h3>\n<p class=\"note\">By a resume or a new begin; no errors.</p>\n\(setbacks)",
    ]
  }

  private static func list(
    _ errors: [LoadReport.ErrorCount], _ earlier: [LoadReport.ErrorCount]?, isBad: Bool
  ) -> Markup {
    let gone = (earlier ?? []).filter { old in !errors.contains { name($0) == name(old) } }
    let most = (errors + gone).map { Double($0.count) }.max() ?? 1
    let entries = errors.map { error -> Markup in
      let before = earlier.map { old in ", before \(old.first { name($0) == name(error) }?.count ?? 0)" } ?? ""
      return entry(error, "\(error.count)\(before)", Double(error.count) / max(most, 1), isBad: isBad)
    }
    let former = gone.map { entry($0, "0, before \($0.count)", 0, isBad: false) }
    guard !entries.isEmpty || !former.isEmpty else { return .nothing }
    return "<ul class=\"errors\">\n\(entries)\(former)</ul>\n"
  }

  private static func name(_ error: LoadReport.ErrorCount) -> String {
    if let status = error.status { return "status \(status) \(error.name)" }
    return error.kind == error.name ? error.kind : "\(error.kind) \(error.name)"
  }

  private static func entry(
    _ error: LoadReport.ErrorCount, _ count: String, _ share: Double, isBad: Bool
  ) -> Markup {
    """
    <li><div><b>\(name(error))</b> <span>\(count)</span></div>\(PageTable.bar(share, isBad: isBad))\
    <p class="note">\(error.example)</p></li>

    """
  }
}
