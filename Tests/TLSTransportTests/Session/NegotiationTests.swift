import TLSTransport
import Testing

@Suite struct NegotiationTests {
  let ours = Certificates.ours
  let strangers = Certificates.strangers

  @Test(
    "ALPN: the server's first choice that the client offers",
    arguments: [
      (offered: [], spoken: ["x-stream/1"], agreed: nil),
      (offered: ["x-stream/1"], spoken: ["x-stream/1"], agreed: "x-stream/1"),
      (offered: ["h2", "x-stream/1"], spoken: ["x-stream/1", "http/1.1"], agreed: "x-stream/1"),
      (offered: ["http/1.1", "x-stream/1"], spoken: ["x-stream/1", "http/1.1"], agreed: "x-stream/1"),
      (offered: ["h2"], spoken: [], agreed: nil),
    ] as [(offered: [String], spoken: [String], agreed: String?)])
  func alpn(offered: [String], spoken: [String], agreed: String?) throws {
    let pair = try SessionPair(
      client: ours.clientContext(alpn: offered), server: ours.serverContext(alpn: spoken))
    try pair.handshake()
    try #require(pair.client.isHandshakeComplete && pair.server.isHandshakeComplete)
    #expect(pair.server.handshakeSummary().alpn == agreed)
    #expect(pair.client.handshakeSummary().alpn == agreed)
  }

  @Test("ALPN: a client that offers only names which the server does not speak gets no_application_protocol")
  func alpnMismatch() throws {
    let pair = try SessionPair(
      client: ours.clientContext(alpn: ["h2", "x-stream/10", "x-stream"]),
      server: ours.serverContext(alpn: ["x-stream/1"]))
    try pair.handshake()
    #expect(pair.atServer.failure == .handshake(reason: "no application protocol"))
    #expect(pair.atClient.failure == .handshake(reason: "tlsv1 alert no application protocol"))
  }

  @Test("ALPN names of no bytes or more than 255 are refused", arguments: ["", String(repeating: "x", count: 256)])
  func alpnName(name: String) {
    #expect(throws: TLSConfigurationError.applicationProtocolName(name)) { try ours.clientContext(alpn: [name]) }
  }

  @Test(
    "the certificate must have the name or address that was connected to",
    arguments: [
      ("localhost", true), ("LOCALHOST", true), ("upload.test", true), ("127.0.0.1", true), ("::1", true),
      ("other.test", false), ("a.localhost", false), ("127.0.0.2", false), ("::2", false),
    ])
  func serverName(name: String, isRight: Bool) throws {
    let pair = try SessionPair(client: ours.clientContext(), server: ours.serverContext(), serverName: name)
    try pair.handshake()
    #expect(pair.client.isHandshakeComplete == isRight)
    guard !isRight else {
      let isAddress = name.contains(":") || name.allSatisfy { $0.isNumber || $0 == "." }
      #expect(pair.server.handshakeSummary().serverName == (isAddress ? nil : name))
      return
    }
    guard case .untrustedCertificate(let reason) = pair.atClient.failure else {
      Issue.record("\(String(describing: pair.atClient.failure))")
      return
    }
    #expect(reason.lowercased().contains("mismatch"))
    #expect(pair.atServer.failure != nil)
  }

  @Test("a server that has its name as a common name alone is refused, and the reason says so")
  func commonNameAlone() throws {
    let root = try ForgedCertificate.authority()
    func failure(_ certificate: ForgedCertificate, _ name: String) throws -> TLSError? {
      let files = try certificate.identity()
      let server = try TLSContext(
        server: .init(certificateChainFile: files.certificateChainFile, privateKeyFile: files.privateKeyFile))
      let client = try ours.clientContext(trust: .caFile(root.identity().certificateChainFile))
      let pair = try SessionPair(client: client, server: server, serverName: name)
      try pair.handshake()
      #expect((pair.atClient.failure == nil) == pair.client.isHandshakeComplete)
      return pair.atClient.failure
    }
    for name in ["upload.test", "192.0.2.1"] {
      let alone = try ForgedCertificate([.name(name)], issuer: root)
      guard case .untrustedCertificate(let reason) = try failure(alone, name) else {
        Issue.record("\(name) is taken")
        continue
      }
      #expect(reason.contains("no subjectAltName"), "\(reason)")
    }
    let old = try ForgedCertificate([.name("upload.test")], issuer: root, validFor: -60)
    #expect(try failure(old, "upload.test") == .untrustedCertificate(reason: "certificate has expired"))
    let address = try ForgedCertificate([.name("upload.test")], [.ip([192, 0, 2, 1])], issuer: root)
    #expect(try failure(address, "upload.test") != nil)
    #expect(try failure(address, "192.0.2.1") == nil)
    let asText = try ForgedCertificate([], [.dns("192.0.2.1")], issuer: root)
    #expect(try failure(asText, "192.0.2.1") != nil)
    let wild = try ForgedCertificate([], [.dns("*.upload.test"), .dns("a*.other.test"), .dns("*")], issuer: root)
    #expect(try failure(wild, "a.upload.test") == nil && failure(wild, "a.upload.test.") == nil)
    for name in ["upload.test", "a.b.upload.test", "ab.other.test", "test"] { #expect(try failure(wild, name) != nil) }
  }

  @Test("a verifying client needs a name to verify", arguments: [nil, "", "a name", "b\0ad", ".upload.test", "."])
  func badServerName(name: String?) throws {
    let context = try ours.clientContext()
    #expect(throws: TLSConfigurationError.serverName(name ?? "")) {
      try TLSSession(context: context, serverName: name)
    }
  }

  @Test("a server of an unknown authority is refused, unless verification is turned off")
  func unknownAuthority() throws {
    let server = try ours.serverContext()
    let careful = try SessionPair(client: ours.clientContext(trust: .caFile(strangers.ca)), server: server)
    try careful.handshake()
    guard case .untrustedCertificate = careful.atClient.failure else {
      Issue.record("\(String(describing: careful.atClient.failure))")
      return
    }
    let system = try SessionPair(client: ours.clientContext(trust: .systemRoots), server: server)
    try system.handshake()
    #expect(!system.client.isHandshakeComplete)
    let careless = try SessionPair(
      client: ours.clientContext(trust: .insecureNoVerification), server: server, serverName: nil)
    try careless.handshake()
    #expect(careless.client.isHandshakeComplete)
  }

  @Test("a client certificate is shown in full to the server")
  func clientCertificate() throws {
    for clients in [
      TLSServerConfiguration.ClientCertificates.required(caFile: ours.clientsCA), .optional(caFile: ours.clientsCA),
    ] {
      let pair = try SessionPair(
        client: ours.clientContext(identity: ours.clientIdentity), server: ours.serverContext(clients: clients))
      try pair.handshake()
      try #require(pair.server.isHandshakeComplete)
      let certificate = try #require(pair.server.handshakeSummary().peerCertificate)
      #expect(certificate.subject == "CN=development client,O=Sluice development")
      #expect(certificate.uris == ["urn:sluice:client:development"])
      #expect(certificate.emails == ["client@localhost"])
      #expect(certificate.dnsNames == [])
      let said = run(
        "openssl", ["x509", "-in", ours.clientIdentity.certificateChainFile, "-noout", "-fingerprint", "-sha256"])
      let hex = certificate.sha256Fingerprint.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      #expect(said.output.lowercased().contains(hex.joined(separator: ":")))
    }
  }

  @Test("a server that requires a client certificate refuses none, and both kinds refuse a stranger's")
  func clientCertificateRefused() throws {
    let required = try ours.serverContext(clients: .required(caFile: ours.clientsCA))
    let optional = try ours.serverContext(clients: .optional(caFile: ours.clientsCA))
    let without = try ours.clientContext()
    let stranger = try ours.clientContext(identity: strangers.clientIdentity)

    let missing = try SessionPair(client: without, server: required)
    try missing.handshake()
    #expect(missing.atServer.failure == .handshake(reason: "peer did not return a certificate"))
    #expect(missing.atClient.failure != nil)

    let forgiven = try SessionPair(client: without, server: optional)
    try forgiven.handshake()
    #expect(forgiven.server.isHandshakeComplete)

    for server in [required, optional] {
      let pair = try SessionPair(client: stranger, server: server)
      try pair.handshake()
      guard case .untrustedCertificate = pair.atServer.failure else {
        Issue.record("\(String(describing: pair.atServer.failure))")
        continue
      }
      #expect(!pair.server.isHandshakeComplete)
    }
  }
}
