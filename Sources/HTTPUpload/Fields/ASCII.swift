/// The classes of bytes that HTTP's grammar is made of.
extension UInt8 {
  /// The small letter for a capital one, else the byte itself.
  var asciiLowercased: UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
  }

  var isASCIIDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

  var isASCIILetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }

  /// A space or a tab.
  var isBlank: Bool { self == 0x20 || self == 0x09 }

  /// A character of a token (RFC 9110 section 5.6.2).
  var isTokenCharacter: Bool {
    isASCIIDigit || isASCIILetter || "!#$%&'*+-.^_`|~".utf8.contains(self)
  }

  /// The value of a hexadecimal digit.
  var nibble: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}

extension StringProtocol {
  /// The text with small letters for ASCII's capital ones; other letters stay, as HTTP compares bytes.
  var asciiLowercased: String {
    String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self)
  }

  /// The text without spaces and tabs at its ends.
  var trimmedOfBlanks: String {
    let bytes = Array(utf8).drop { $0.isBlank }
    guard let last = bytes.lastIndex(where: { !$0.isBlank }) else { return "" }
    return String(decoding: bytes[...last], as: UTF8.self)
  }

  /// The parts between separators, blanks at their ends gone, empty ones kept.
  func trimmedParts(at separator: Character) -> [String] {
    split(separator: separator, omittingEmptySubsequences: false).map(\.trimmedOfBlanks)
  }
}
