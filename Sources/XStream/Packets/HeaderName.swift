/// The name of a header: 1 to 64 of `a-z 0-9 -` (protocol.md section 2).
public struct HeaderName: Hashable, Sendable, CustomStringConvertible {
  /// The longest name in bytes.
  public static let maximumLength = 64

  /// The name, in lower case.
  public let text: String

  /// Takes a name as a receiver does: `A-Z` are lowered, anything else outside the alphabet is refused.
  public init?(_ text: String) {
    guard (1...Self.maximumLength).contains(text.utf8.count) else { return nil }
    guard text.utf8.allSatisfy({ Self.lowered($0) != nil }) else { return nil }
    self.text = text.lowercased()
  }

  /// Trusts its caller: every byte came out of ``lowered(_:)``.
  init(checked text: String) {
    self.text = text
  }

  /// The byte as it stands in a name, or nil if it cannot.
  static func lowered(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): byte
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte + 32
    default: nil
    }
  }

  /// The name, in lower case.
  public var description: String { text }
}

extension HeaderName {
  /// The route, an absolute path; sent by the client.
  public static let route = HeaderName(checked: "route")
  /// What the bytes are; the server repeats the one that it will take.
  public static let dataFormat = HeaderName(checked: "data-format")
  /// Total and buffer, left and 0, or `-1` (protocol.md section 4).
  public static let stream = HeaderName(checked: "x-stream")
  /// The stream's key.
  public static let streamKey = HeaderName(checked: "x-stream-key")
  /// Bytes from the stream's start that the server has safe.
  public static let streamOffset = HeaderName(checked: "x-stream-offset")
  /// How many more bytes have to be safe for the next progress packet.
  public static let streamAck = HeaderName(checked: "x-stream-ack")
  /// SHA-256 of the whole stream.
  public static let streamDigest = HeaderName(checked: "x-stream-digest")
  /// The file's own name, a label.
  public static let streamName = HeaderName(checked: "x-stream-name")
  /// `Bearer TOKEN`.
  public static let authorization = HeaderName(checked: "authorization")
  /// W3C trace context.
  public static let traceparent = HeaderName(checked: "traceparent")
  /// A number of ``Status``.
  public static let status = HeaderName(checked: "status")
  /// One line for a person.
  public static let reason = HeaderName(checked: "reason")
  /// Seconds.
  public static let retryAfter = HeaderName(checked: "retry-after")
}
