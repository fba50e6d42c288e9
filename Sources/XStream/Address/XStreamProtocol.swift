/// The protocol as TLS knows it.
public enum XStreamProtocol {
  /// The ALPN name (protocol.md section 1).
  public static let applicationProtocol = "x-stream/1"
}
