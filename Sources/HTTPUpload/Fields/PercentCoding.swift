/// `%XX` (RFC 3986 section 2.1).
package enum PercentCoding {
  /// The bytes that the text stands for, or `nil` where a `%` has no two hexadecimal digits behind it.
  package static func decode(_ text: some StringProtocol) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst()?.nibble, let low = rest.popFirst()?.nibble else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  /// The text as one segment of a path, or as a value of `filename*` (RFC 8187): but for letters, digits and `-._~`
  /// every byte is encoded.
  package static func encode(_ text: some StringProtocol) -> String {
    encode(text) { $0.isASCIILetter || $0.isASCIIDigit || "-._~".utf8.contains($0) }
  }

  /// The text with what is beyond ASCII encoded.
  static func encodeBeyondASCII(_ text: some StringProtocol) -> String { encode(text) { $0 < 0x80 } }

  private static func encode(_ text: some StringProtocol, _ isLeft: (UInt8) -> Bool) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if isLeft(byte) {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
