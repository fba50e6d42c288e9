package import NIOCore

/// What a backend may want to know of the connection that an upload comes over.
package struct ClientConnection: Sendable {
  /// The client's end.
  package var remote: SocketAddress?
  /// The gateway's end.
  package var local: SocketAddress?
  /// Name and release of the protocol that secures it, such as `TLSv1.3`; `nil` where nothing does.
  package var tlsVersion: String?
  /// The cipher's name.
  package var tlsCipher: String?
  /// What was agreed on by ALPN.
  package var alpn: String?
  /// The host name that the client asked for (SNI).
  package var serverName: String?
  /// Whether the client showed a certificate, which the listener verified.
  package var hasCertificate = false
  /// The common name in that certificate, in its own characters; `nil` where it has none that is beyond doubt.
  package var commonName: String?

  /// Of a connection that nothing is known of.
  package init() {}
}
