internal import COpenSSL

/// Everything that the connections of one server or client have in common, read and checked once.
///
/// Making one reads files and does not wait for anything else; it may be shared between event loops. To take up
/// renewed certificates make another for the connections that begin from then on.
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
  /// See ``trustsAsMuch(as:)``; empty for a client's.
  let trustName: [UInt8]
  /// Contexts of other host names; nil where all are served with this one.
  let names: NamedContexts?
  /// What tickets are encrypted with; nil leaves it to libssl, whose keys are this context's alone.
  let ticketKeys: TicketKeys?
  /// What an authority says of the certificate.
  let staple: OCSPStaple?
  /// What is shown to clients: the own certificate first, and then those of other host names in their order; empty for a
  /// client's.
  public let certificates: [ServedCertificate]
  /// Whether the peer's certificate is tied to the name that was connected to.
  let verifiesServerName: Bool
  /// What clients' certificates are judged by; nil where clients are asked for none.
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
  /// - Parameters:
  ///   - names: contexts that were made in the same way, by the host names that they serve: `uploads.example`, or
  ///     `*.example` for all that have one label more. They must speak the same protocols.
  ///   - refusesUnknown: whether a client is refused (`unrecognized_name`) that asks for none of them, and for none of the
  ///     own certificate's. If not, it is served with that.
  ///   - ticketKeys: shared with the contexts before and after this one.
  /// - Throws: a ``TLSConfigurationError`` that names the file and the cause.
  public init(
    server configuration: TLSServerConfiguration, names: [String: TLSContext] = [:], refusesUnknown: Bool = false,
    ticketKeys: TicketKeys? = nil
  ) throws(TLSConfigurationError) {
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
    try builder.useServerSessions(lifetime: Self.sessionLifetime, hostName: configuration.hostName)
    let staple = try builder.useStaple(configuration)
    let namedContexts = names.isEmpty ? nil : NamedContexts(NameTable(names), refusesUnknown: refusesUnknown)
    if namedContexts != nil { SSL_CTX_set_client_hello_cb(builder.handle, chooseContext, nil) }
    if ticketKeys != nil, shim_SSL_CTX_set_ticket_key_callback(builder.handle, useTicketKey) != 1 {
      throw .library(cause: OpenSSLErrors.take())
    }
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
    trustName = builder.trustName
    self.names = namedContexts
    self.ticketKeys = ticketKeys
    self.staple = staple
    certificates = builder.certificates(in: configuration.certificateChainFile, names)
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
    trustName = []
    names = nil
    ticketKeys = nil
    staple = nil
    certificates = []
    warnings = builder.warnings
    verifiesServerName = configuration.trust != .insecureNoVerification
    applicationProtocols = protocols
    handle = builder.release()
  }

  deinit {
    SSL_CTX_free(handle)
  }
}
