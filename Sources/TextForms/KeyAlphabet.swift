/// What the keys of streams are written in: 16 to 128 of `A-Z a-z 0-9 - _` (protocol.md, section 3). Such a text is
/// safe as a file's name.
package enum KeyAlphabet {
  /// How many characters a key may have.
  package static let lengths = 16...128

  /// All characters, as ASCII: six bits each. The first 62 are letters and digits.
  package static let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// Whether a byte is one of ``characters``.
  package static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// Whether a text has the length and the characters of a key.
  package static func isKey(_ text: String) -> Bool {
    lengths.contains(text.utf8.count) && text.utf8.allSatisfy(isAllowed)
  }
}
