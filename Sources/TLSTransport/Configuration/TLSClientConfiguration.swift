/// What a TLS client needs to know: whom it trusts, what it speaks, and who it is.
public struct TLSClientConfiguration: Sendable, Equatable {
  /// How the server's certificate is verified.
  public enum ServerTrust: Sendable, Equatable {
    /// Against the system's roots, and the name or address that was connected to.
    case systemRoots
    /// Against the authorities in a PEM file, and the name or address that was connected to.
    case caFile(String)
    /// Not at all: anybody in between can read and change everything. For tests.
    case insecureNoVerification
  }

  /// The client's own certificate.
  public struct Identity: Sendable, Equatable {
    /// PEM file: the client's certificate, then the intermediate ones.
    public var certificateChainFile: String
    /// PEM file: the key that belongs to the first certificate, not encrypted.
    public var privateKeyFile: String

    /// An identity; nothing is read until a ``TLSContext`` is made of it.
    public init(certificateChainFile: String, privateKeyFile: String) {
      self.certificateChainFile = certificateChainFile
      self.privateKeyFile = privateKeyFile
    }
  }

  /// How the server's certificate is verified.
  public var trust: ServerTrust
  /// The client's own certificate, shown to a server that asks for one.
  public var identity: Identity?
  /// Versions and ciphers.
  public var profile: TLSProfile
  /// ALPN names in order of preference, each of 1 to 255 bytes. Empty: ALPN is not offered.
  public var applicationProtocols: [String]

  /// A configuration; nothing is read until a ``TLSContext`` is made of it.
  public init(
    trust: ServerTrust = .systemRoots,
    identity: Identity? = nil,
    profile: TLSProfile = .intermediate,
    applicationProtocols: [String] = []
  ) {
    self.trust = trust
    self.identity = identity
    self.profile = profile
    self.applicationProtocols = applicationProtocols
  }
}
