/// What a client says about who it is, in `authorization` (RFC 6750 section 2.1).
public enum Authorization: Hashable, Sendable {
  /// `Bearer TOKEN`, the token.
  case bearer(String)
  /// Another scheme. Its credentials are wrong ones wherever credentials are needed: status 5, not 1.
  case unsupported

  /// Reads `SCHEME CREDENTIALS`. The scheme's case does not matter (RFC 9110 section 11.1); a bearer token is
  /// letters, digits and `-._~+/`, with `=` at its end only.
  public init?(_ text: String) {
    guard let space = text.firstIndex(of: " ") else { return nil }
    let scheme = text[..<space]
    let credentials = text[space...].drop { $0 == " " }
    guard !scheme.isEmpty, !credentials.isEmpty, scheme.utf8.allSatisfy(Self.isTokenByte) else { return nil }
    guard scheme.lowercased() == "bearer" else {
      self = .unsupported
      return
    }
    var body = credentials.utf8[...]
    while body.last == UInt8(ascii: "=") { body.removeLast() }
    guard !body.isEmpty, body.allSatisfy(Self.isTokenByte) else { return nil }
    self = .bearer(String(credentials))
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"):
      true
    default: false
    }
  }
}
