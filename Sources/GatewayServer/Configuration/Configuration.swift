public import Forwarders
public import GatewayCore
public import Logging

/// Everything that a gateway is told, checked and with its defaults filled in. Paths are absolute.
///
/// `docs/configuration.md` describes the file that it is read from.
public struct Configuration: Sendable {
  /// Where the gateway listens.
  public var listen: ListenAddress
  /// How it shows who it is, and whom it asks to do the same.
  public var tls: TLS
  /// The folder of the ledger. It need not exist yet.
  public var state: String
  /// At least one, in the order of the file.
  public var routes: [RouteEntry]
  /// How long the gateway waits for what.
  public var timeouts: Timeouts
  /// The most bytes, over the whole process, that were received and not yet passed on.
  public var memory: Int64
  /// The most bytes of one upload that were received and not yet passed on; at most ``memory``.
  public var window: Int64
  /// The most client connections at once.
  public var connections: Int
  /// What is logged, and how.
  public var log: Log
  /// Event loop threads.
  public var threads: Threads
  /// Where all that stands.
  var origin: ConfigurationOrigin

  /// The server's side of TLS.
  public struct TLS: Hashable, Sendable {
    /// PEM file: the server's certificate and then those that lead to its root.
    public var certificate: String
    /// PEM file: the certificate's private key.
    public var privateKey: String
    /// Versions and ciphers.
    public var profile: Profile
    /// PEM file: the roots of clients' certificates. `nil` asks no client for one.
    public var clientCA: String?
    /// What becomes of a client that shows no certificate; ``ClientCertificate/unasked`` without ``clientCA``.
    public var clientCertificate: ClientCertificate
    /// Who decrypts what clients send over TLS 1.3.
    public var records: Records
  }

  /// Who decrypts what clients send over TLS 1.3.
  public enum Records: String, CaseIterable, Sendable {
    /// Sluice itself.
    case direct
    /// OpenSSL's libssl alone.
    case openssl
  }

  /// Versions and ciphers, by the names that Mozilla's server side TLS recommendations made common.
  public enum Profile: String, CaseIterable, Sendable {
    /// TLS 1.2 and 1.3.
    case intermediate
    /// TLS 1.3 alone.
    case modern
  }

  /// Whether a client shows a certificate.
  public enum ClientCertificate: Hashable, Sendable {
    /// It is not asked for one.
    case unasked
    /// It may; one that it shows must be good.
    case optional
    /// Without one there is no connection.
    case required
  }

  /// A route, and what becomes of its bytes.
  public struct RouteEntry: Sendable {
    /// What clients are promised.
    public var route: Route
    /// Where its bytes go.
    public var destination: Destination
  }

  /// Where a route's bytes go.
  public enum Destination: Hashable, Sendable {
    /// Into a folder, one file for each upload. It need not exist yet.
    case directory(DirectoryStore.Settings)
    /// To a backend.
    case pipe(PipeForwarder.Settings)

    /// Whether complete uploads are somewhere else.
    var holdsNothing: Bool {
      switch self {
      case .directory: false
      case .pipe: true
      }
    }
  }

  /// How long the gateway waits. Each is at least 1 ms and at most 24 hours.
  public struct Timeouts: Hashable, Sendable {
    /// From the accepted connection to the end of the TLS handshake.
    public var handshake: Duration
    /// From a head's first byte to its last.
    public var head: Duration
    /// Between two exchanges.
    public var idle: Duration
    /// Without a byte in the middle of a body.
    public var silence: Duration
    /// From the request to stop until connections are cut.
    public var shutdown: Duration
  }

  /// What is logged, and how.
  public struct Log: Hashable, Sendable {
    /// The least that is logged.
    public var level: Logger.Level
    /// The shape of a line.
    public var format: LogFormat
  }

  /// The shape of a line of the log.
  public enum LogFormat: String, CaseIterable, Sendable {
    /// For people.
    case text
    /// One object a line, for programs.
    case json
  }

  /// How many event loop threads there are.
  public enum Threads: Hashable, Sendable {
    /// As many as there are processors that the process may run on.
    case automatic
    /// 1 to 1024.
    case exactly(Int)
  }
}
