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
  /// Who decrypts.
  public var records: Records

  /// A configuration; nothing is read until a ``TLSContext`` is made of it.
  public init(
    certificateChainFile: String,
    privateKeyFile: String,
    profile: TLSProfile = .intermediate,
    applicationProtocols: [String] = [],
    clientCertificates: ClientCertificates = .none,
    records: Records = .direct
  ) {
    self.certificateChainFile = certificateChainFile
    self.privateKeyFile = privateKeyFile
    self.profile = profile
    self.applicationProtocols = applicationProtocols
    self.clientCertificates = clientCertificates
    self.records = records
  }
}
