import NIOCore
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
  public var connectTimeout: Duration
  /// How long the client waits for the server while no byte moves in either direction.
  public var silenceTimeout: Duration
  /// The most bytes that are kept of a backend's answer; the rest is dropped.
  public var replyLimit: Int

  /// A configuration; files are read when an ``UploadClient`` is made of it.
  public init(
    trust: TLSClientConfiguration.ServerTrust = .systemRoots,
    identity: TLSClientConfiguration.Identity? = nil,
    token: String? = nil,
    connectTimeout: Duration = .seconds(15),
    silenceTimeout: Duration = .seconds(120),
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

extension ClientConfiguration {
  /// As NIO has it.
  var connectLimit: TimeAmount { Self.limit(connectTimeout) }
  /// As NIO has it.
  var silenceLimit: TimeAmount { Self.limit(silenceTimeout) }

  /// Within eight years, because a deadline in nanoseconds overflows.
  private static func limit(_ time: Duration) -> TimeAmount {
    TimeAmount(min(max(time, .zero), .seconds(1 << 28)))
  }
}
