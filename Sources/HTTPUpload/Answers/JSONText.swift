/// A value of JSON (RFC 8259), as far as answers have it. Foundation's writer would need its types and their costs.
package indirect enum JSONText: Sendable, Equatable {
  /// A text.
  case string(String)
  /// A number without fraction.
  case number(Int64)
  /// `true` or `false`.
  case boolean(Bool)
  /// A list.
  case array([JSONText])
  /// Members in the order in which they are written.
  case object([(name: String, value: JSONText)])

  /// The text without white space.
  package var text: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .string(let string): Self.write(string, to: &text)
    case .number(let number): text += String(number)
    case .boolean(let isTrue): text += isTrue ? "true" : "false"
    case .array(let values):
      text += "["
      for (place, value) in values.enumerated() {
        if place > 0 { text += "," }
        value.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (place, member) in members.enumerated() {
        if place > 0 { text += "," }
        Self.write(member.name, to: &text)
        text += ":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }

  /// Escapes what JSON demands, `<`, `>` and `&` as well, so that the text is harmless where someone puts it into a
  /// page, and U+2028 and U+2029, which end a line in old JavaScript.
  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..."\u{1F}", "\u{7F}", "<", ">", "&", "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }

  /// The same text.
  package static func == (left: JSONText, right: JSONText) -> Bool { left.text == right.text }
}
