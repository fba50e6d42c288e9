/// A number of bytes that may be unknown: TOTAL of an open packet, LEFT of a final (protocol.md section 4).
public enum Total: Hashable, Sendable, CustomStringConvertible {
  /// So many bytes, 0 to 2^63-1.
  case known(Int64)
  /// `*`: nobody knows before the stream ends.
  case unlimited

  /// Reads a number or `*`.
  public init?(_ text: some StringProtocol) {
    if text == "*" {
      self = .unlimited
    } else if let number = WireNumber.parse(text) {
      self = .known(number)
    } else {
      return nil
    }
  }

  /// As on the wire.
  public var description: String {
    switch self {
    case .known(let number): String(number)
    case .unlimited: "*"
    }
  }
}
