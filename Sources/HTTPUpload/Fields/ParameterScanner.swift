/// Reads `; name=value` lists as in `Content-Type` and `Content-Disposition` (RFC 9110 section 5.6.6).
struct ParameterScanner {
  /// How a backslash in a quoted string is read.
  enum Backslash {
    /// It takes the next character as it is (RFC 9110).
    case escapes
    /// Only before a quote or a backslash. In forms browsers write it as it is, and a path has it (`C:\a\b.txt`).
    case escapesQuotes
  }

  private let bytes: [UInt8]
  private var place = 0
  private let backslash: Backslash

  init(_ text: some StringProtocol, backslash: Backslash = .escapes) {
    bytes = Array(text.utf8)
    self.backslash = backslash
    skipBlanks()
  }

  /// The token at this place.
  mutating func token() -> String? {
    let start = place
    while place < bytes.count, bytes[place].isTokenCharacter { place += 1 }
    return place > start ? String(decoding: bytes[start..<place], as: UTF8.self) : nil
  }

  /// Goes over a byte if it is there.
  mutating func skip(_ byte: UInt8) -> Bool {
    guard place < bytes.count, bytes[place] == byte else { return false }
    place += 1
    return true
  }

  /// All parameters up to the end, or `nil` where something else stands there.
  mutating func parameters() -> [(name: String, value: String)]? {
    var parameters: [(name: String, value: String)] = []
    while true {
      skipBlanks()
      guard place < bytes.count else { return parameters }
      guard skip(UInt8(ascii: ";")) else { return nil }
      skipBlanks()
      // An empty parameter is allowed, and a semicolon at the end.
      if place == bytes.count || bytes[place] == UInt8(ascii: ";") { continue }
      guard let name = token(), skip(UInt8(ascii: "=")), let value = value() else { return nil }
      parameters.append((name: name.asciiLowercased, value: value))
    }
  }

  private mutating func value() -> String? {
    guard skip(UInt8(ascii: "\"")) else {
      // Old clients send names with letters beyond ASCII and without quotes; so a value runs up to the next semicolon.
      let start = place
      while place < bytes.count, bytes[place] != UInt8(ascii: ";") { place += 1 }
      let value = String(decoding: bytes[start..<place], as: UTF8.self).trimmedOfBlanks
      return value.isEmpty ? nil : value
    }
    var value: [UInt8] = []
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: value, as: UTF8.self)
      case UInt8(ascii: "\\") where place < bytes.count && escapes(bytes[place]):
        value.append(bytes[place])
        place += 1
      default: value.append(byte)
      }
    }
    return nil
  }

  private func escapes(_ next: UInt8) -> Bool {
    backslash == .escapes || next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\")
  }

  private mutating func skipBlanks() {
    while place < bytes.count, bytes[place].isBlank { place += 1 }
  }
}
