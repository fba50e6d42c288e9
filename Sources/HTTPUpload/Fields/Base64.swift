/// Base64 (RFC 4648 section 4). Foundation has one, but this module does without it.
package enum Base64 {
  /// Whether text without its `=` at the end, or with bits behind its last byte, is taken.
  package enum Strictness: Sendable {
    case strict
    /// As RFC 9651 section 4.2.7 asks of parsers.
    case lenient
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  /// The text with padding.
  package static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for place in 0..<4 {
        text.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : padding)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes, or `nil` where the text is no base64.
  package static func decode(_ text: some StringProtocol, _ strictness: Strictness = .strict) -> [UInt8]? {
    var body = Array(text.utf8)[...]
    if strictness == .strict, body.count % 4 != 0 { return nil }
    for _ in 0..<2 where body.last == padding { body.removeLast() }
    guard body.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(body.count / 4 * 3 + 2)
    var bits = 0
    var held = 0
    for byte in body {
      guard let value = sextet(byte) else { return nil }
      bits = (bits << 6 | value) & 0xFFFF
      held += 6
      if held >= 8 {
        held -= 8
        bytes.append(UInt8(bits >> held & 0xFF))
      }
    }
    return strictness == .lenient || bits & ((1 << held) - 1) == 0 ? bytes : nil
  }

  private static func sextet(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte) - 97 + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 48 + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
