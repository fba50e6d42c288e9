internal import COpenSSL

/// Everything that the connections of one server or client have in common, read and checked once.
///
/// Making one reads files and does not wait for anything else; it may be shared between event loops. To take up
/// renewed certificates make another and publish it (``PublishedTLSContext``).
public final class TLSContext: Sendable {
  /// Which side of a connection a context is for.
  public enum Role: Sendable {
    /// Waits for a ClientHello.
    case server
    /// Sends the ClientHello.
    case client
  }

  /// Which side of a connection this is for.
  public let role: Role
  /// What an operator should know, to be told once.
  public let warnings: [TLSConfigurationWarning]
  /// Whether the peer's certificate is tied to the name that was connected to.
  let verifiesServerName: Bool
  /// What clients' certificates are judged by; nil where clients are asked for none. OpenSSL has a plain pointer to it.
  public let clientTrust: ClientTrust?

  /// An `SSL_CTX`. It counts its references atomically and, after init, is only read by OpenSSL's rules for
  /// sharing one between threads (its ticket keys and counters have locks of their own).
  nonisolated(unsafe) let handle: OpaquePointer
  /// Kept alive for OpenSSL, which has a plain pointer to it.
  private let applicationProtocols: ApplicationProtocols

  /// How long a ticket lets a client resume, in seconds. ``SessionOrigin/resumableFor`` bounds those that follow it.
  static let sessionLifetime = 3600

  /// A context for the accepting side.
  ///
  /// - Throws: a ``TLSConfigurationError`` that names the file and the cause.
  public init(server configuration: TLSServerConfiguration) throws(TLSConfigurationError) {
    let protocols = try ApplicationProtocols(configuration.applicationProtocols)
    let builder = try ContextBuilder(role: .server, profile: configuration.profile)
    try builder.useIdentity(
      chainFile: configuration.certificateChainFile, keyFile: configuration.privateKeyFile)
    let clients: ClientTrust?
    switch configuration.clientCertificates {
    case .none:
      SSL_CTX_set_verify(builder.handle, SSL_VERIFY_NONE, nil)
      clients = nil
    case .optional(let file):
      clients = try builder.trustClients(caFile: file, configuration.revocation, mode: SSL_VERIFY_PEER)
    case .required(let file):
      clients = try builder.trustClients(
        caFile: file, configuration.revocation, mode: SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT)
    }
    try builder.useServerSessions(lifetime: Self.sessionLifetime, clients)
    try builder.completeChain(chainFile: configuration.certificateChainFile)
    if !protocols.isEmpty {
      SSL_CTX_set_alpn_select_cb(
        builder.handle, selectApplicationProtocol, Unmanaged.passUnretained(protocols).toOpaque())
    }
    var warnings = builder.warnings
    if configuration.records == .direct {
      // This hands out the client's secret; without it libssl decrypts.
      SSL_CTX_set_keylog_callback(builder.handle, TLSSession.keyLogCallback)
      if let want = TLSLibrary.wantOfVectors { warnings.append(.slowRecords(cause: want)) }
    }
    role = .server
    clientTrust = clients
    self.warnings = warnings
    verifiesServerName = false
    applicationProtocols = protocols
    handle = builder.release()
  }

  /// A context for the connecting side.
  ///
  /// - Throws: a ``TLSConfigurationError`` that names the file and the cause.
  public init(client configuration: TLSClientConfiguration) throws(TLSConfigurationError) {
    let protocols = try ApplicationProtocols(configuration.applicationProtocols)
    let builder = try ContextBuilder(role: .client, profile: configuration.profile)
    if let identity = configuration.identity {
      try builder.useIdentity(chainFile: identity.certificateChainFile, keyFile: identity.privateKeyFile)
    }
    switch configuration.trust {
    case .systemRoots:
      try builder.trustSystemRoots()
      SSL_CTX_set_verify(builder.handle, SSL_VERIFY_PEER, nil)
    case .caFile(let file):
      try builder.trust(caFile: file, announce: false)
      SSL_CTX_set_verify(builder.handle, SSL_VERIFY_PEER, nil)
    case .insecureNoVerification:
      SSL_CTX_set_verify(builder.handle, SSL_VERIFY_NONE, nil)
    }
    if !protocols.isEmpty {
      try builder.offer(protocols)
    }
    role = .client
    clientTrust = nil
    warnings = builder.warnings
    verifiesServerName = configuration.trust != .insecureNoVerification
    applicationProtocols = protocols
    handle = builder.release()
  }

  deinit {
    SSL_CTX_free(handle)
  }
}
