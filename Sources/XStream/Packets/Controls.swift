/// The characters that no header's value may have: Unicode's category Cc, which is C0, DEL and C1.
enum Controls {
  /// Whether a byte of UTF-8 is a control character, or ends one: C1 is `C2 80` to `C2 9F`.
  static func isControl(_ byte: UInt8, after previous: UInt8?) -> Bool {
    byte < 0x20 || byte == 0x7F || (previous == 0xC2 && (0x80...0x9F).contains(byte))
  }

  /// Whether a text has a control character.
  static func isIn(_ text: String) -> Bool {
    var previous: UInt8?
    for byte in text.utf8 {
      if isControl(byte, after: previous) { return true }
      previous = byte
    }
    return false
  }

  /// The text as a value that stays on its line: each control is a space, outer spaces are gone.
  static func line(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      scalars.append(scalar.properties.generalCategory == .control ? " " : scalar)
    }
    while scalars.first == " " { scalars.removeFirst() }
    while scalars.last == " " { scalars.removeLast() }
    return String(scalars)
  }
}
