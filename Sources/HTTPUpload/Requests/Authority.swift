/// The host and port of a URL or of `Host` (RFC 3986 section 3.2), without user information.
package struct Authority: Hashable, Sendable, CustomStringConvertible {
  /// In small letters; an IPv6 address keeps its brackets.
  package let host: String
  /// `nil` where none stands, or https's own.
  package let port: Int?

  /// Reads an authority, or `nil` where it is none.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.asciiLowercased.utf8)
    let hostEnd: Int
    if bytes.first == UInt8(ascii: "[") {
      guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")), bracket > 2 else { return nil }
      let inside = bytes[1..<bracket]
      guard inside.allSatisfy({ $0.nibble != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }) else {
        return nil
      }
      hostEnd = bracket + 1
    } else {
      hostEnd = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
      guard hostEnd > 0, bytes[..<hostEnd].allSatisfy(Self.isHostCharacter) else { return nil }
    }
    host = String(decoding: bytes[..<hostEnd], as: UTF8.self)
    guard hostEnd < bytes.count else {
      port = nil
      return
    }
    guard bytes[hostEnd] == UInt8(ascii: ":") else { return nil }
    let digits = String(decoding: bytes[(hostEnd + 1)...], as: UTF8.self)
    // An empty port is the scheme's own (RFC 3986 section 6.2.3).
    guard let number = digits.isEmpty ? 443 : WholeNumber.parse(digits), number <= 65_535 else { return nil }
    port = number == 443 ? nil : Int(number)
  }

  /// As in a URL, a port of 443 left out.
  package var description: String { port.map { "\(host):\($0)" } ?? host }

  /// The origin of pages from here.
  package var origin: String { "https://\(self)" }

  /// Whether one of the entries names this host. An entry without a port means every port.
  package func isListed(in entries: [String]) -> Bool {
    entries.contains { entry in
      guard let listed = Authority(entry) else { return false }
      return listed.host == host && (listed.port == port || !Self.hasPort(entry))
    }
  }

  private static func hasPort(_ entry: String) -> Bool {
    entry.utf8.reversed().first { !$0.isASCIIDigit } == UInt8(ascii: ":")
  }

  /// No percent-encoding and none of RFC 3986's sub-delimiters: no host of DNS has them, and `Location` repeats the
  /// text.
  private static func isHostCharacter(_ byte: UInt8) -> Bool {
    byte.isASCIILetter || byte.isASCIIDigit || "-._".utf8.contains(byte)
  }
}
