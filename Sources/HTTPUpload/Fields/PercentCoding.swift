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
}
