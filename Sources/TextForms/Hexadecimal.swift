/// Bytes as pairs of hexadecimal digits.
package enum Hexadecimal {
  private static let lowercase = Array("0123456789abcdef".utf8)
  private static let uppercase = Array("0123456789ABCDEF".utf8)

  /// Two digits for each byte.
  package static func text(_ bytes: some Collection<UInt8>, uppercase isUppercase: Bool = false) -> String {
    let digits = isUppercase ? uppercase : lowercase
    return String(unsafeUninitializedCapacity: 2 * bytes.count) { memory in
      var end = 0
      for byte in bytes {
        memory[end] = digits[Int(byte >> 4)]
        memory[end + 1] = digits[Int(byte & 15)]
        end += 2
      }
      return end
    }
  }

  /// The bytes of a text in digits of either case; nil for an odd number of digits, or anything that is no digit.
  package static func bytes(_ text: some StringProtocol) -> [UInt8]? {
    var bytes: [UInt8] = []
    var digits = text.utf8.makeIterator()
    while let first = digits.next() {
      guard let high = value(first), let low = digits.next().flatMap(value) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  /// What an ASCII digit of either case stands for, 0 to 15; nil for any other byte.
  package static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
