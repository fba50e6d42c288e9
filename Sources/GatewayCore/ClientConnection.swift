public import NIOCore

/// What a backend may want to know of the connection that an upload comes over.
public struct ClientConnection: Sendable {
  /// The client's end.
  public var remote: SocketAddress?
  /// The gateway's end.
  public var local: SocketAddress?
  /// Name and release of the protocol that secures it, such as `TLSv1.3`; `nil` where nothing does.
  public var tlsVersion: String?
  /// The cipher's name.
  public var tlsCipher: String?
  /// What was agreed on by ALPN.
  public var alpn: String?
  /// The host name that the client asked for (SNI).
  public var serverName: String?
  /// Whether the client showed a certificate, which the listener verified.
  public var hasCertificate = false
  /// The common name in that certificate, in its own characters; `nil` where it has none that is beyond doubt.
  public var commonName: String?
  /// Makes the packet that the client opened the upload with, as it was but for credentials, with the upload's key in it.
  public var openPacket: (@Sendable (UploadKey) -> ByteBuffer)?

  /// Of a connection that nothing is known of.
  public init() {}
}
