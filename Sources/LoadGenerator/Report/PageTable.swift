/// Tables and lists of a page.
enum PageTable {
  /// The first column names its row; numbers stand to the right.
  static func table(_ header: [String], _ rows: [[Markup]], isText: Set<Int> = [0]) -> Markup {
    func cell(_ index: Int, _ content: Markup, _ tag: Markup) -> Markup {
      let kind: Markup = isText.contains(index) ? " class=\"text\"" : ""
      return "<\(tag)\(kind)>\(content)</\(tag)>"
    }
    let head = header.enumerated().map { cell($0.offset, Markup(text: $0.element), "th") }
    let body = rows.map { row -> Markup in
      "<tr>\(row.enumerated().map { cell($0.offset, $0.element, $0.offset == 0 ? "th" : "td") })</tr>\n"
    }
    return """
      <div class="scroll"><table><thead><tr>\(head)</tr></thead><tbody>
      \(body)</tbody></table></div>

      """
  }

  /// Names and what they mean.
  static func definitions(_ entries: [(String, Markup)]) -> Markup {
    "<dl>\(entries.map { name, value -> Markup in "<div><dt>\(name)</dt><dd>\(value)</dd></div>\n" })</dl>\n"
  }

  /// A figure large enough to be seen from afar.
  static func tile(_ name: String, _ figure: String, _ note: String = "", isBad: Bool = false) -> Markup {
    let kind: Markup = isBad ? " bad" : ""
    return """
      <div class="tile\(kind)"><span class="name">\(name)</span><b>\(figure)</b><span class="note">\(note)</span></div>

      """
  }

  /// A bar of a share of the width, from 0 to 1.
  static func bar(_ share: Double, isBad: Bool = false) -> Markup {
    let width = share.isFinite ? (min(max(share, 0), 1) * 1000).rounded() / 10 : 0
    let kind: Markup = isBad ? " bad" : ""
    return "<span class=\"bar\(kind)\"><i style=\"width:\("\(width)%")\"></i></span>"
  }

  /// A mark that is told apart without color too.
  static func mark(_ isGood: Bool, _ good: String, _ bad: String) -> Markup {
    isGood ? "<span class=\"mark good\">✓ \(good)</span>" : "<span class=\"mark bad\">✗ \(bad)</span>"
  }
}
