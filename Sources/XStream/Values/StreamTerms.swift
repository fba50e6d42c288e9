/// The value of `x-stream` (protocol.md sections 4 and 5). Which of its readings holds depends on the packet: a
/// request's TOTAL and BUFFER, an offer's N and BUFFER, a final's LEFT and 0.
public enum StreamTerms: Hashable, Sendable, CustomStringConvertible {
  /// `COUNT:BUFFER`, the count in bytes or `*`, the buffer 0 to 2^63-1 bytes.
  case terms(Total, buffer: Int64)
  /// `-1`: nothing is taken, or the stream is given up.
  case nothing

  /// Reads `COUNT:BUFFER` or `-1`.
  public init?(_ text: String) {
    if text == "-1" {
      self = .nothing
      return
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let count = Total(parts[0]), let buffer = WireNumber.parse(parts[1]) else { return nil }
    self = .terms(count, buffer: buffer)
  }

  /// As on the wire.
  public var description: String {
    switch self {
    case .terms(let count, let buffer): "\(count):\(buffer)"
    case .nothing: "-1"
    }
  }
}
