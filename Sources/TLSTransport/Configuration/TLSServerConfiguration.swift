/// What a TLS server needs to know: who it is, what it speaks, and whose certificates it takes.
public struct TLSServerConfiguration: Sendable, Equatable {
  /// Whether clients are asked for a certificate.
  ///
  /// A certificate that is presented is always verified; with ``optional(caFile:)`` only its absence is forgiven.
  public enum ClientCertificates: Sendable, Equatable {
    /// None are asked for.
    case none
    /// Asked for; a client without one is let in. `caFile` has the trusted authorities, in PEM.
    case optional(caFile: String)
    /// Asked for; a client without one fails the handshake. `caFile` has the trusted authorities, in PEM.
    case required(caFile: String)
  }

  /// Which certificates of clients are revoked (RFC 5280, section 5).
  public struct Revocation: Sendable, Equatable {
    /// Which certificates have to be in a list's care.
    public enum Coverage: Sendable, Equatable {
      /// All of the client's chain: the file has a list of each authority in it.
      case chain
      /// The client's own alone.
      case client
    }

    /// PEM file with one list or more.
    public var file: String
    /// Which certificates have to be in a list's care.
    public var coverage: Coverage
    /// Whether a list still counts that should have been followed by the next one. If not, nobody is let in by it.
    public var acceptsExpired: Bool

    /// All of it; the defaults are the safe choices.
    public init(file: String, coverage: Coverage = .chain, acceptsExpired: Bool = false) {
      self.file = file
      self.coverage = coverage
      self.acceptsExpired = acceptsExpired
    }
  }

  /// Who decrypts what clients send over TLS 1.3.
  public enum Records: Sendable, Equatable {
    /// Sluice itself: without libssl's copies, and with wide vector instructions where the processor has them.
    case direct
    /// libssl alone.
    case library
  }

  /// PEM file: the server's certificate, then the intermediate ones.
  public var certificateChainFile: String
  /// PEM file: the key that belongs to the first certificate, not encrypted.
  public var privateKeyFile: String
  /// Versions and ciphers.
  public var profile: TLSProfile
  /// ALPN names in order of preference, each of 1 to 255 bytes. Empty: ALPN is not spoken at all.
  public var applicationProtocols: [String]
  /// Whether clients are asked for a certificate.
  public var clientCertificates: ClientCertificates
  /// Which of them are revoked; `nil` for none.
  public var revocation: Revocation?
  /// Who decrypts.
  public var records: Records
  /// The host name that it is chosen by; empty for the first of a server. A session of one is resumed under no other.
  public var hostName = ""
  /// A file with what an authority says of the certificate (OCSP), in DER; `nil` for none.
  public var stapleFile: String?

  /// A configuration; nothing is read until a ``TLSContext`` is made of it.
  public init(
    certificateChainFile: String,
    privateKeyFile: String,
    profile: TLSProfile = .intermediate,
    applicationProtocols: [String] = [],
    clientCertificates: ClientCertificates = .none,
    revocation: Revocation? = nil,
    records: Records = .direct,
    stapleFile: String? = nil
  ) {
    self.certificateChainFile = certificateChainFile
    self.privateKeyFile = privateKeyFile
    self.profile = profile
    self.applicationProtocols = applicationProtocols
    self.clientCertificates = clientCertificates
    self.revocation = revocation
    self.records = records
    self.stapleFile = stapleFile
  }
}
