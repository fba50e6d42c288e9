/// Everything of a packet before its body: headers in the order they came, and the size of the body
/// (protocol.md section 2).
public struct PacketHead: Hashable, Sendable {
  /// The largest head in bytes, from `headers:` to the line end after `payload:`.
  public static let maximumBytes = 16_384
  /// The most headers that a head may have.
  public static let maximumHeaders = 64

  /// One header line.
  public struct Header: Hashable, Sendable {
    /// The name; it stands once in a head.
    public var name: HeaderName
    /// The value without its outer spaces.
    public var value: String

    /// A header.
    public init(_ name: HeaderName, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What `payload:` says.
  public enum Payload: Hashable, Sendable {
    /// `-`: the packet has no body.
    case none
    /// The body is exactly so many bytes, 0 to 2^63-1; `0` is an empty body.
    case bytes(Int64)

    /// The bytes that follow the head.
    public var size: Int64 {
      switch self {
      case .none: 0
      case .bytes(let size): size
      }
    }
  }

  /// The headers in their order.
  public var headers: [Header]
  /// The body.
  public var payload: Payload

  /// A head.
  public init(_ headers: [Header] = [], payload: Payload = .none) {
    self.headers = headers
    self.payload = payload
  }

  /// The value of a header, or nil without it.
  public subscript(name: HeaderName) -> String? {
    headers.first { $0.name == name }?.value
  }

  /// Adds a header at the end.
  public mutating func append(_ name: HeaderName, _ value: some CustomStringConvertible) {
    headers.append(Header(name, String(describing: value)))
  }

  /// Adds a header at the end if there is a value.
  mutating func append(_ name: HeaderName, ifPresent value: (some CustomStringConvertible)?) {
    if let value { append(name, value) }
  }
}
