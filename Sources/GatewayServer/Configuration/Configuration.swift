package import Forwarders
package import Fronts
package import GatewayCore
package import Ledgers
package import Logging

/// Everything that a gateway is told, checked and with its defaults filled in. Paths are absolute.
///
/// `docs/configuration.md` describes the file that it is read from.
package struct Configuration: Sendable {
  /// What the gateway calls itself in the ledger's leases; another one for each gateway over one ledger.
  package var name: String
  /// Where the gateway listens; at least one.
  package var listeners: [Listener]
  /// How it shows who it is, and whom it asks to do the same.
  package var tls: TLS
  /// The folder of the ledger. It need not exist yet.
  package var state: String
  /// The database that the ledger is in; `nil` where it is in a file in ``state``.
  package var database: DatabaseSettings?
  /// At least one, in the order of the file.
  package var routes: [RouteEntry]
  /// Who hears of what becomes of uploads, in the order of the file.
  package var events: [EventTarget]
  /// How long the gateway waits for what.
  package var timeouts: Timeouts
  /// The most bytes, over the whole process, that were received and not yet passed on, with what connections hold.
  package var memory: Int64
  /// The most bytes of one upload that were received and not yet passed on; at most ``memory``.
  package var window: Int64
  /// The most client connections at once.
  package var connections: Int
  /// What one address may take of connections and handshakes.
  package var addresses: AddressBounds
  /// The most handshakes begun in a second by all clients together, others wait; `nil` for any number.
  package var handshakes: Int?
  /// Where operators are answered; `nil` where nobody is.
  package var admin: Admin?
  /// How HTTP is spoken; `nil` where it is not.
  package var http: HTTPSettings?
  /// What is logged, and how.
  package var log: Log
  /// Event loop threads.
  package var threads: Threads
  /// The user of this machine that the gateway becomes; `nil` stays the one that started it.
  package var user: String?
  /// Whether the kernel holds the gateway to its own places and ports.
  package var landlock: LandlockUse
  /// The files of tokens that are named, each once.
  var tokenFiles: [NamedTokenFile]
  /// Whether files that are renewed are taken by themselves.
  package var watchesFiles: Bool
  /// Where all that stands.
  var origin: ConfigurationOrigin

  /// The server's side of TLS.
  package struct TLS: Hashable, Sendable {
    /// PEM file: the server's certificate and then those that lead to its root.
    package var certificate: String
    /// PEM file: the certificate's private key.
    package var privateKey: String
    /// Versions and ciphers.
    package var profile: Profile
    /// PEM file: the roots of clients' certificates. `nil` asks no client for one.
    package var clientCA: String?
    /// What becomes of a client that shows no certificate; ``ClientCertificate/unasked`` without ``clientCA``.
    package var clientCertificate: ClientCertificate
    /// Which of clients' certificates are revoked; `nil` where nobody says so.
    package var clientRevocation: ClientRevocation?
    /// Who decrypts what clients send over TLS 1.3.
    package var records: Records
    /// A file with what an authority says of the certificate (OCSP); `nil` for none.
    package var staple: String?
    /// Certificates for host names of their own, in the order of the file.
    package var names: [NamedCertificate] = []
    /// Whether clients are refused that ask for no host name of any certificate here.
    package var refusesUnknown = false
    /// A file with keys of tickets that several gateways share; `nil` for keys of this one's own.
    package var ticketKeys: String?
    /// So long before a certificate expires, the operator is told.
    package var warnBefore = Duration.seconds(30 * 86_400)
  }

  /// A certificate, and the host names that it is shown for.
  package struct NamedCertificate: Hashable, Sendable {
    /// In lower case: `uploads.example`, or `*.example`.
    package var name: String
    /// PEM file: the certificate and then those that lead to its root.
    package var certificate: String
    /// PEM file: the certificate's private key.
    package var privateKey: String
    /// PEM file: the roots of clients' certificates. `nil` asks no client for one.
    package var clientCA: String?
    /// What becomes of a client that shows no certificate.
    package var clientCertificate: ClientCertificate
    /// Which of clients' certificates are revoked; `nil` where nobody says so.
    package var clientRevocation: ClientRevocation?
    /// A file with what an authority says of the certificate (OCSP); `nil` for none.
    package var staple: String?
  }

  /// Which of clients' certificates are revoked.
  package struct ClientRevocation: Hashable, Sendable {
    /// Which certificates have to be in a list's care.
    package enum Coverage: String, CaseIterable, Sendable {
      /// All of a client's chain.
      case chain
      /// The client's own.
      case client
    }

    /// PEM file with the authorities' lists.
    package var file: String
    /// Which certificates have to be in a list's care.
    package var coverage: Coverage
    /// Whether a list that is overdue still counts; if not, nobody is let in by it.
    package var acceptsExpired: Bool
  }

  /// Who decrypts what clients send over TLS 1.3.
  package enum Records: String, CaseIterable, Sendable {
    /// Sluice itself.
    case direct
    /// OpenSSL's libssl alone.
    case openssl
  }

  /// Versions and ciphers, by the names that Mozilla's server side TLS recommendations made common.
  package enum Profile: String, CaseIterable, Sendable {
    /// TLS 1.2 and 1.3.
    case intermediate
    /// TLS 1.3 alone.
    case modern
  }

  /// Whether a client shows a certificate.
  package enum ClientCertificate: Hashable, Sendable {
    /// It is not asked for one.
    case unasked
    /// It may; one that it shows must be good.
    case optional
    /// Without one there is no connection.
    case required
  }

  /// The paths of the files of tokens.
  package var tokenFilePaths: [String] { tokenFiles.map(\.path) }

  /// A route, and what becomes of its bytes.
  package struct RouteEntry: Sendable {
    /// What clients are promised.
    package var route: Route
    /// Where its bytes go.
    package var destination: Destination
    /// What it says of HTTP.
    package var http = HTTPRouteSettings()
    /// Who judges its new uploads; `nil` where nobody does.
    package var onOpen: OpeningHook?
    /// Who judges its whole uploads before they are complete; `nil` where nobody does.
    package var holdUntil: HoldUntil?
  }

  /// Where a route's bytes go.
  package enum Destination: Hashable, Sendable {
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

  /// How long the gateway waits. Each is at least 1 ms and, but for ``upload``, at most 24 hours.
  package struct Timeouts: Hashable, Sendable {
    /// From the accepted connection to the end of the TLS handshake.
    package var handshake: Duration
    /// From a head's first byte to its last.
    package var head: Duration
    /// Between two exchanges.
    package var idle: Duration
    /// Without a byte in the middle of a body.
    package var silence: Duration
    /// From the request to stop until what is under way is made safe and its clients are told to go on elsewhere; may be 0.
    package var drain: Duration
    /// From then on until connections are cut.
    package var shutdown: Duration
    /// The slowest that a body may come; `nil` for however slowly.
    package var progress: MinimumProgress?
    /// The most that a client may take for one body over one connection; `nil` for any time.
    package var upload: Duration?
  }

  /// What is logged, and how.
  package struct Log: Hashable, Sendable {
    /// The least that is logged.
    package var level: Logger.Level
    /// The shape of a line.
    package var format: LogFormat
  }

  /// The shape of a line of the log.
  package enum LogFormat: String, CaseIterable, Sendable {
    /// For people.
    case text
    /// One object a line, for programs.
    case json
  }

  /// Whether the kernel's Landlock confines the gateway.
  package enum LandlockUse: String, CaseIterable, Sendable {
    /// Where the kernel has it.
    case automatic = "auto"
    /// Without it the gateway does not start.
    case required
    /// Never.
    case off
  }

  /// How many event loop threads there are.
  package enum Threads: Hashable, Sendable {
    /// As many as there are processors that the process may run on.
    case automatic
    /// 1 to 1024.
    case exactly(Int)
  }
}
