public import NIOCore
public import TLSTransport

/// Whom a client trusts, who it is, and how long it waits. Retries are in ``UploadOptions``.
public struct ClientConfiguration: Sendable {
  /// How the server's certificate is verified.
  public var trust: TLSClientConfiguration.ServerTrust
  /// The client's own certificate.
  public var identity: TLSClientConfiguration.Identity?
  /// A bearer token; letters, digits and `-._~+/`, with `=` at its end only. A secret.
  public var token: String?
  /// How long name resolution and TCP may take together, and after that the TLS handshake.
  public var connectTimeout: TimeAmount
  /// How long the client waits for the server while no byte moves in either direction.
  public var silenceTimeout: TimeAmount
  /// The most bytes that are kept of a backend's answer; the rest is dropped.
  public var replyLimit: Int

  /// A configuration; files are read when an ``UploadClient`` is made of it.
  public init(
    trust: TLSClientConfiguration.ServerTrust = .systemRoots,
    identity: TLSClientConfiguration.Identity? = nil,
    token: String? = nil,
    connectTimeout: TimeAmount = .seconds(15),
    silenceTimeout: TimeAmount = .seconds(120),
    replyLimit: Int = 1 << 20
  ) {
    self.trust = trust
    self.identity = identity
    self.token = token
    self.connectTimeout = connectTimeout
    self.silenceTimeout = silenceTimeout
    self.replyLimit = replyLimit
  }
}
