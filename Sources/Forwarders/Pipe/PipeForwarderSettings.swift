extension PipeForwarder {
  /// What a pipe does with its uploads.
  package struct Settings: Hashable, Sendable {
    /// At least one, each once.
    package var backends: [BackendAddress]
    /// Which of them gets an upload.
    package var balance = Balance.leastUploads
    /// For TCP, and again for the TLS handshake.
    package var connectTimeout = Duration.seconds(3)
    /// The most bytes of a backend's answer that are relayed; one that answers more has failed. 0 relays nothing.
    package var reply = 64 << 10
    /// When an upload counts as complete.
    package var done = Completion.closed
    /// What goes before the upload's bytes.
    package var header = Header.none
    /// `nil` sends plaintext.
    package var tls: TLS?
    /// How it is found out which backends can be reached.
    package var health = Health()
    /// How long a backend may take nothing while bytes wait for it, and say nothing while its end is waited for.
    package var timeout = Duration.seconds(60)

    /// The defaults.
    package init(backends: [BackendAddress]) {
      self.backends = backends
    }
  }

  /// Which backend gets an upload.
  package enum Balance: String, CaseIterable, Sendable {
    /// The one with the fewest.
    case leastUploads = "least-uploads"
    /// Each in turn.
    case roundRobin = "round-robin"
    /// The upload's key decides, so that every gateway with the same backends chooses alike.
    case byKey = "by-key"
  }

  /// When an upload counts as complete.
  package enum Completion: String, CaseIterable, Sendable {
    /// The backend read everything and then closed its side.
    case closed
    /// The backend's kernel has everything.
    case sent
  }

  /// What goes before the upload's bytes.
  package enum Header: String, CaseIterable, Sendable {
    /// Nothing.
    case none
    /// The PROXY protocol, version 2, in plaintext even before TLS.
    case proxyV2 = "proxy-v2"
    /// The x-stream packet that opens the upload, without credentials and with the upload's key.
    case packet
  }

  /// TLS towards the backends, whose certificates are always verified.
  package struct TLS: Hashable, Sendable {
    /// PEM file of the authorities; `nil` trusts the system's.
    package var authorities: String?
    /// The name that the certificate must have; `nil` is the backend's own host, which a unix socket does not have.
    package var serverName: String?
    /// PEM file: the gateway's certificate for backends that ask for one.
    package var certificate: String?
    /// PEM file: its private key.
    package var privateKey: String?

    /// The system's authorities, and no certificate.
    package init(
      authorities: String? = nil, serverName: String? = nil, certificate: String? = nil, privateKey: String? = nil
    ) {
      self.authorities = authorities
      self.serverName = serverName
      self.certificate = certificate
      self.privateKey = privateKey
    }
  }

  /// How backends are checked: by connecting, which is reset at once.
  package struct Health: Hashable, Sendable {
    /// From one check to the next.
    package var every: Duration
    /// For one connection.
    package var timeout: Duration

    /// Every 5 s, for at most 1 s.
    package init(every: Duration = .seconds(5), timeout: Duration = .seconds(1)) {
      self.every = every
      self.timeout = timeout
    }
  }
}
