/// Why bytes cannot be the head of a packet (protocol.md section 2). The answer to each is status 1 and a close.
public enum PacketError: Error, Hashable, Sendable {
  /// The first line is not `headers:`.
  case notAPacket
  /// The head is not over after ``PacketHead/maximumBytes``.
  case headTooLong
  /// A header line more than ``PacketHead/maximumHeaders``.
  case tooManyHeaders
  /// `payload:` follows `headers:` at once.
  case noHeaders
  /// A line is neither indented by 1 to 8 spaces nor the `payload:` line.
  case indentation(line: Int)
  /// A name is empty, too long or has a character that names do not have.
  case name(line: Int)
  /// No space between the colon and the value.
  case spaceAfterColon(line: Int)
  /// A header without a value.
  case emptyValue(line: Int, header: HeaderName)
  /// A control character in a value, such as a tab or a carriage return that no line feed follows.
  case control(line: Int, header: HeaderName)
  /// A value that is not UTF-8.
  case notUTF8(line: Int, header: HeaderName)
  /// A name stands twice.
  case duplicate(line: Int, header: HeaderName)
  /// The value of `payload:` is neither `-` nor a plain decimal number up to 2^63-1.
  case payload(line: Int)

  /// One line for the person at the other end. It has nothing of the peer's in it but a checked header name.
  public var reason: String {
    switch self {
    case .notAPacket: "not a packet: a packet begins with the line \"headers:\""
    case .headTooLong: "the head is longer than \(PacketHead.maximumBytes) bytes"
    case .tooManyHeaders: "the head has more than \(PacketHead.maximumHeaders) headers"
    case .noHeaders: "the head has no headers"
    case .indentation(let line): "line \(line): indent a header by 1 to 8 spaces, or end the head with \"payload:\""
    case .name(let line): "line \(line): a header's name is 1 to 64 of a-z, 0-9 and \"-\", and a colon follows it"
    case .spaceAfterColon(let line): "line \(line): a space has to follow the colon"
    case .emptyValue(let line, let header): "line \(line): \(header) has no value"
    case .control(let line, let header): "line \(line): \(header) has a control character in its value"
    case .notUTF8(let line, let header): "line \(line): \(header) is not UTF-8"
    case .duplicate(let line, let header): "line \(line): \(header) stands twice"
    case .payload(let line): "line \(line): payload is \"-\" or a decimal number of bytes up to 2^63-1"
    }
  }
}
