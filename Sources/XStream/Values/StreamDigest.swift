/// The SHA-256 of a whole stream, as `sha-256=:BASE64:` (RFC 9530 section 2, byte sequence of RFC 8941).
///
/// Members of other algorithms beside it are skipped, as RFC 9530 asks; without `sha-256`, or with it twice, the
/// value is refused. The base64 has its padding and no stray bits, so that a digest has one spelling.
public struct StreamDigest: Hashable, Sendable, CustomStringConvertible {
  /// The bytes of a digest.
  public static let size = 32

  /// The digest, ``size`` bytes.
  public let bytes: [UInt8]

  /// Takes a digest of ``size`` bytes.
  public init?(bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == Self.size else { return nil }
    self.bytes = bytes
  }

  /// Reads a header's value.
  public init?(_ text: String) {
    var found: [UInt8]?
    for member in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let trimmed = member.trimmingSpaces()
      guard let equals = trimmed.firstIndex(of: UInt8(ascii: "=")), equals != trimmed.startIndex else { return nil }
      let value = trimmed[trimmed.index(after: equals)...]
      guard value.count >= 2, value.first == UInt8(ascii: ":"), value.last == UInt8(ascii: ":") else { return nil }
      guard trimmed[..<equals].elementsEqual("sha-256".utf8) else { continue }
      guard found == nil, let bytes = Base64.decode(value.dropFirst().dropLast()) else { return nil }
      found = bytes
    }
    guard let found else { return nil }
    self.init(bytes: found)
  }

  /// As on the wire.
  public var description: String { "sha-256=:\(Base64.encode(bytes)):" }
}

extension Substring.UTF8View {
  fileprivate func trimmingSpaces() -> Substring.UTF8View {
    let space = UInt8(ascii: " ")
    var rest = self.drop { $0 == space }
    while rest.last == space { rest.removeLast() }
    return rest
  }
}
