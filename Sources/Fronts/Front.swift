package import GatewayCore
package import NIOCore
package import TLSTransport

/// A protocol that clients may speak, as a value that installs itself on a connection.
package protocol Front: Sendable {
  /// The protocol's names in ALPN (RFC 7301), the preferred first.
  var applicationProtocols: [String] { get }

  /// Whether a connection without ALPN speaks this protocol.
  ///
  /// - Parameter firstBytes: what has arrived so far; at least one byte.
  /// - Returns: `nil` where more bytes have to come first.
  func recognises(_ firstBytes: ByteBufferView) -> Bool?

  /// Adds the front's handlers to a connection whose handshake is complete. What has arrived already is read through them.
  func install(on channel: any Channel, peer: ConnectionPeer) throws
}

/// Fired as a user event into every connection when the gateway begins to go away: the exchange that is under way goes on, and
/// no other begins after it. ``GatewayIsStopping`` follows at the deadline.
package struct GatewayIsDraining: Sendable {
  /// How long a connection that nothing was asked on yet stays: its client may just be about to. Closed at once, its first
  /// request would fail, while clients expect that of connections that have rested.
  package static let patience = TimeAmount.seconds(2)

  /// The event.
  package init() {}
}

/// Fired as a user event into every connection when the gateway goes away.
package struct GatewayIsStopping: Sendable {
  /// The event.
  package init() {}
}

/// Who is at the other end of a connection, as the handshake has shown it.
package struct ConnectionPeer {
  /// What the client has shown of itself; a front adds a request's token.
  package let credentials: Credentials
  /// What a backend may want to know.
  package let connection: ClientConnection
  /// Who decrypts the connection's records.
  package let recordPath: TLSRecordPath
  /// What the log calls the connection.
  package let label: ConnectionLabel

  /// - Parameters:
  ///   - proxied: what a trusted proxy has said of the connection.
  ///   - trust: what the listener trusts, whenever it is asked.
  init(
    _ handshake: TLSHandshakeCompleted, channel: any Channel, proxied: ProxiedConnection?, label: ConnectionLabel,
    trust: any TLSContextSource
  ) {
    let certificate = handshake.peerCertificate
    var connection = ClientConnection()
    connection.remote = proxied?.source ?? channel.remoteAddress
    connection.local = proxied?.destination ?? channel.localAddress
    connection.hasCertificate = certificate != nil
    connection.commonName = certificate?.commonName
    connection.tlsVersion = handshake.protocolVersion
    connection.tlsCipher = handshake.cipher
    connection.alpn = handshake.alpn
    connection.serverName = handshake.serverName
    self.connection = connection
    self.credentials = Credentials(
      certificate: certificate.flatMap { ShownCertificate($0, for: handshake.serverName, trust: trust) }, token: nil,
      address: label.peer)
    self.recordPath = handshake.recordPath
    self.label = label
  }

  /// A peer that nothing is known of but where it is.
  package init(address: String, recordPath: TLSRecordPath, now: @escaping @Sendable () -> WallTime) {
    self.label = ConnectionLabel(now: now)
    self.label.peer = address
    self.connection = ClientConnection()
    self.credentials = Credentials(certificate: nil, token: nil, address: address)
    self.recordPath = recordPath
  }
}

extension ShownCertificate {
  /// `nil` for a certificate of which it is not known who vouches for it.
  ///
  /// - Parameter serverName: what host the client has asked for.
  convenience init?(_ certificate: PeerCertificate, for serverName: String?, trust: any TLSContextSource) {
    guard let identity = certificate.identity, let chain = certificate.chain else { return nil }
    let isOnlyAuthority = trust.clientTrust(for: serverName)?.isOneAuthority ?? false
    self.init(
      holder: CertificateHolder(
        identity: identity.name, subject: identity.hasSubject && isOnlyAuthority ? certificate.subject : nil),
      names: Names(
        subject: certificate.subject, commonName: certificate.commonName, dns: certificate.dnsNames,
        uris: certificate.uris, emails: certificate.emails),
      key: certificate.keyFingerprint, authority: chain.authority
    ) { now in
      let seconds = now.milliseconds / 1000
      return trust.clientTrust(for: serverName)?.trusts(chain, at: seconds).map { WallTime(seconds: $0) }
    }
  }
}

extension WallTime {
  /// Held within what can be said.
  fileprivate init(seconds: Int64) {
    self.init(milliseconds: seconds.multipliedReportingOverflow(by: 1000).overflow ? .max : seconds * 1000)
  }
}
