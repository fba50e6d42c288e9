import COpenSSL
import Foundation
import Testing

@testable import TLSTransport

/// Which clients a server takes that looks into lists of revoked certificates.
@Suite struct RevocationTests {
  private let root: ForgedCertificate
  private let between: ForgedCertificate
  private let near: ForgedCertificate
  private let far: ForgedCertificate

  init() throws {
    root = try .authority("root")
    between = try ForgedCertificate([.name("between")], issuer: root, isAuthority: true)
    near = try ForgedCertificate([.name("near")], issuer: root)
    far = try ForgedCertificate([.name("far")], issuer: between)
  }

  private func server(_ rules: TLSServerConfiguration.Revocation?) throws -> TLSContext {
    let ours = Certificates.ours
    return try TLSContext(
      server: .init(
        certificateChainFile: ours.server, privateKeyFile: ours.serverKey,
        clientCertificates: .required(caFile: root.identity().certificateChainFile), revocation: rules))
  }

  /// Why the client is refused; nil where it is not.
  private func refusal(
    _ client: ForgedCertificate, behind chain: [ForgedCertificate] = [], _ server: TLSContext
  ) throws -> TLSError? {
    let context = try Certificates.ours.clientContext(identity: client.identity(behind: chain))
    let pair = try SessionPair(client: context, server: server)
    try pair.handshake()
    // What is kept for later judges as libssl does.
    if let shown = pair.server.isHandshakeComplete ? pair.server.handshakeSummary().peerCertificate : nil {
      #expect(try #require(server.clientTrust).trusts(#require(shown.chain), at: Int64(time(nil))) != nil)
    }
    return pair.atServer.failure
  }

  @Test("a certificate that a list has is refused, and the others of its authority are not")
  func revoked() throws {
    let file = try ForgedRevocationList.file(ForgedRevocationList.pem(of: root, revoking: [near]))
    let server = try server(.init(file: file))
    #expect(try refusal(near, server) == .untrustedCertificate(reason: "certificate revoked"))
    #expect(try refusal(ForgedCertificate([.name("other")], issuer: root), server) == nil)
  }

  @Test("each authority of a chain has to have a list, unless the client's alone is asked about")
  func chains() throws {
    let (rootList, betweenList) = try (
      ForgedRevocationList.pem(of: root), ForgedRevocationList.pem(of: between, revoking: [])
    )
    let wanting = try server(.init(file: ForgedRevocationList.file(rootList)))
    #expect(
      try refusal(far, behind: [between], wanting)
        == .untrustedCertificate(reason: "unable to get certificate CRL"))
    let whole = try server(.init(file: ForgedRevocationList.file(rootList, betweenList)))
    #expect(try refusal(far, behind: [between], whole) == nil)
    let own = try server(.init(file: ForgedRevocationList.file(betweenList), coverage: .client))
    #expect(try refusal(far, behind: [between], own) == nil)
    let cut = try server(
      .init(file: ForgedRevocationList.file(ForgedRevocationList.pem(of: root, revoking: [between]), betweenList)))
    #expect(try refusal(far, behind: [between], cut) == .untrustedCertificate(reason: "certificate revoked"))
  }

  @Test("a list that is overdue lets nobody in, unless that is said")
  func overdue() throws {
    let file = try ForgedRevocationList.file(ForgedRevocationList.pem(of: root, revoking: [near], until: -60))
    let (strict, lenient) = try (server(.init(file: file)), server(.init(file: file, acceptsExpired: true)))
    let other = try ForgedCertificate([.name("other")], issuer: root)
    #expect(try refusal(other, strict) == .untrustedCertificate(reason: "CRL has expired"))
    #expect(try refusal(other, lenient) == nil)
    #expect(try refusal(near, lenient) == .untrustedCertificate(reason: "certificate revoked"))
    #expect(strict.warnings.contains { "\($0)".contains("clients of its authority are refused") })
    #expect(lenient.warnings.contains { "\($0)".contains("made use of all the same") })
  }

  @Test("a list that says nothing of the next one is good until there is another")
  func endless() throws {
    let file = try ForgedRevocationList.file(ForgedRevocationList.pem(of: root, until: nil))
    #expect(try refusal(near, server(.init(file: file))) == nil)
  }

  @Test("of two authorities with one name each has its own list")
  func namesakes() throws {
    let other = try ForgedCertificate.authority("root")
    let stranger = try ForgedCertificate([.name("near")], issuer: other)
    let chain = try #require(CertificateChain.of(near, by: root))
    let strangers = try #require(CertificateChain.of(stranger, by: other))
    let rules = TLSServerConfiguration.Revocation(
      file: try ForgedRevocationList.file(
        ForgedRevocationList.pem(of: root, revoking: [near]), ForgedRevocationList.pem(of: other)))
    let ours = Certificates.ours
    let both = ours.path(UUID().uuidString + ".pem")
    try (root.pem + other.pem).write(toFile: both, atomically: false, encoding: .utf8)
    let server = try TLSContext(
      server: .init(
        certificateChainFile: ours.server, privateKeyFile: ours.serverKey, clientCertificates: .required(caFile: both),
        revocation: rules))
    let trust = try #require(server.clientTrust)
    #expect(!trust.isOneAuthority)
    #expect(trust.trusts(chain, at: Int64(time(nil))) == nil && trust.trusts(strangers, at: Int64(time(nil))) != nil)
  }

  @Test("a list that its authority has not signed, a file of something else and an empty one are errors")
  func faults() throws {
    let forged = try ForgedRevocationList.file(ForgedRevocationList.pem(of: root, signer: between))
    for file in [forged, try root.identity().certificateChainFile, try ForgedRevocationList.file("no list\n")] {
      #expect(throws: TLSConfigurationError.self) { try server(.init(file: file)) }
    }
    let missing = try server(.init(file: ForgedRevocationList.file(ForgedRevocationList.pem(of: between))))
    #expect(missing.warnings.contains { "\($0)".contains("no list of the authority CN=root") })
  }

  @Test("a ticket is worth nothing at a server that would refuse the certificate, though it knows the ticket's key")
  func resumption() throws {
    let client = try Certificates.ours.clientContext(identity: near.identity())
    let contexts = try [
      server(nil), server(nil),
      server(.init(file: ForgedRevocationList.file(ForgedRevocationList.pem(of: root)))),
      server(.init(file: ForgedRevocationList.file(ForgedRevocationList.pem(of: root, revoking: [near])))),
    ]
    for context in contexts { try shareTicketKeys(context) }
    let first = try SessionPair(client: client, server: contexts[0])
    try first.handshake()
    let ticket = try #require(first.client.resumption)
    func resumed(_ server: TLSContext) throws -> (isResumed: Bool?, TLSError?) {
      let pair = try SessionPair(client: client, server: server)
      pair.client.offer(ticket)
      try pair.handshake()
      guard pair.server.isHandshakeComplete else { return (nil, pair.atServer.failure) }
      return (pair.server.handshakeSummary().isResumed, nil)
    }
    #expect(try resumed(contexts[1]).isResumed == true && resumed(contexts[2]).isResumed == true)
    let refused = try resumed(contexts[3])
    #expect(refused.isResumed == nil && refused.1 == .untrustedCertificate(reason: "certificate revoked"))
  }

  /// As instances do that take over each other's sessions: name, and two keys.
  private func shareTicketKeys(_ context: TLSContext) throws {
    var keys = [UInt8](repeating: 7, count: 80)
    let count = keys.count
    try #require(SSL_CTX_ctrl(context.handle, SSL_CTRL_SET_TLSEXT_TICKET_KEYS, count, &keys) == 1)
  }
}

extension CertificateChain {
  /// What a handshake would find of a client whose authority is trusted.
  static func of(_ certificate: ForgedCertificate, by authority: ForgedCertificate) -> CertificateChain? {
    guard let issuer = digest(of: X509_get_issuer_name(certificate.handle)),
      let key = CertificateIdentity.authorityKey(of: authority.handle),
      let anchor = fingerprint(of: authority.handle), let serial = X509_get0_serialNumber(certificate.handle),
      let root = X509_get0_serialNumber(authority.handle)
    else { return nil }
    return CertificateChain(
      validity: 0..<(.max), anchor: anchor,
      links: [
        Link(issuer: issuer, authority: key, serial: Self.serial(serial)),
        Link(issuer: issuer, authority: key, serial: Self.serial(root)),
      ])
  }
}
