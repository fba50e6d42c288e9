/// Text from outside as a log may show it.
package enum LogText {
  /// One line without what steers a terminal or is not seen (controls, changes of direction, line separators), which stands
  /// there as `\u{1B}`; the end of what is too long is cut off.
  ///
  /// - Parameter most: of its characters.
  package static func shown(_ text: String, atMost most: Int = 160) -> String {
    var shown = ""
    for (count, scalar) in text.unicodeScalars.enumerated() {
      guard count < most else { return shown + "…" }
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        shown += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }
}
