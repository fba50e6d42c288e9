import TextForms

/// Names of files as texts. To the system they are bytes, of any encoding or none; a `String` is Unicode.
///
/// A byte that is not UTF-8 stands in the text as a character for private use, U+10FF80 to U+10FFFF, whose last two
/// digits are its value. It becomes a byte again where the system gets the name. No two names have the same text: where
/// a name has such a character itself, each of its four bytes has a stand-in.
package enum FileName {
  private static let base: UInt32 = 0x10FF00
  private static let standIns: ClosedRange<UInt32> = 0x10FF80...0x10FFFF

  /// The text of a name, from its bytes without a NUL.
  package static func text(_ bytes: [UInt8]) -> String {
    var scalars = String.UnicodeScalarView()
    var parser = Unicode.UTF8.ForwardParser()
    var input = bytes.makeIterator()
    var position = 0
    while true {
      let length: Int
      switch parser.parseScalar(from: &input) {
      case .valid(let encoded):
        length = encoded.count
        let scalar = Unicode.UTF8.decode(encoded)
        if !standIns.contains(scalar.value) {
          scalars.append(scalar)
          position += length
          continue
        }
      case .error(let count): length = count
      case .emptyInput: return String(scalars)
      }
      for byte in bytes[position..<position + length] {
        if let standIn = Unicode.Scalar(base + UInt32(byte)) { scalars.append(standIn) }
      }
      position += length
    }
  }

  /// The bytes of a name, from its text.
  package static func bytes(_ text: String) -> [UInt8] {
    guard hasStandIns(text) else { return Array(text.utf8) }
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      if standIns.contains(scalar.value) {
        bytes.append(UInt8(scalar.value - base))
      } else {
        bytes.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
      }
    }
    return bytes
  }

  /// Whether the name is not UTF-8, so that its text is no use to who does not know of stand-ins.
  package static func hasStandIns(_ text: String) -> Bool {
    text.unicodeScalars.contains { standIns.contains($0.value) }
  }

  /// For a person: `\xE9` for each byte that is not UTF-8.
  package static func shown(_ text: String) -> String {
    guard hasStandIns(text) else { return text }
    return text.unicodeScalars.reduce(into: "") { shown, scalar in
      if standIns.contains(scalar.value) {
        shown += "\\x" + Hexadecimal.text([UInt8(scalar.value - base)], uppercase: true)
      } else {
        shown.unicodeScalars.append(scalar)
      }
    }
  }

  /// Hands the name to a system call.
  package static func withBytes<Result>(of text: String, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    guard hasStandIns(text) else { return text.withCString(body) }
    return SystemText.withCString(bytes(text), body)
  }

  /// The name that an argument of the process is, or has after `--option=`. Parsers of command lines hand it out with
  /// U+FFFD in place of what is not UTF-8, so the argument's own bytes are looked up.
  package static func ofArgument(_ word: String) -> String {
    guard word.unicodeScalars.contains("\u{FFFD}") else { return word }
    for bytes in CommandLineWords.bytes {
      let value = bytes.firstIndex(of: UInt8(ascii: "=")).map { Array(bytes[($0 + 1)...]) } ?? []
      for candidate in [bytes, value] where String(decoding: candidate, as: UTF8.self) == word {
        return text(candidate)
      }
    }
    return word
  }
}
