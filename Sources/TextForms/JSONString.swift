/// Strings of JSON (RFC 8259, section 7) that go through any terminal and any log as one line.
package enum JSONString {
  /// A text between its quotes. Besides what JSON demands, whatever ends a line or steers a terminal is escaped.
  package static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}": quoted += escape(scalar)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// JSON that is written already and has no space between its parts, with the characters escaped that nobody sees:
  /// controls, formats such as a change of direction, line separators and paragraph separators. They can only be inside
  /// strings, so the values stay the same.
  package static func escapingUnseen(_ json: String) -> String {
    var text = ""
    for scalar in json.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: text += escape(scalar)
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// `\uXXXX`; twice for a character outside the basic plane, which JSON has as two surrogates.
  private static func escape(_ scalar: Unicode.Scalar) -> String {
    UTF16.encode(scalar).map { units in
      units.map { "\\u" + Hexadecimal.text([UInt8($0 >> 8), UInt8($0 & 255)]) }.joined()
    } ?? ""
  }
}
