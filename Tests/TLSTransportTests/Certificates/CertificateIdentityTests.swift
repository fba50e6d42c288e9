import COpenSSL
import Testing

@testable import TLSTransport

/// Who a client's certificate says that it is.
@Suite struct CertificateIdentityTests {
  typealias Part = ForgedCertificate.Part
  typealias Alternative = ForgedCertificate.Alternative

  private let authority = [UInt8](repeating: 0, count: 32)

  private func identity(of certificate: ForgedCertificate, by authority: [UInt8]? = nil) throws -> CertificateIdentity {
    let chain = CertificateChain(
      validity: 0..<1, anchor: [], links: [.init(issuer: [], authority: authority ?? self.authority, serial: [1])])
    let shown = try #require(PeerCertificate(certificate.handle, chain: chain))
    return try #require(shown.identity)
  }

  private func identity(_ subject: [Part], _ alternatives: [Alternative] = []) throws -> CertificateIdentity {
    try identity(of: ForgedCertificate(subject, alternatives))
  }

  @Test("different names never make the same client, however much alike they print")
  func differentNames() throws {
    let organization = NID_organizationName
    let names: [([Part], [Alternative])] = [
      ([.name("a")], []), ([.name("A")], []), ([.name("a ")], []), ([.name("a", organization)], []),
      ([.name("a,O=b")], []), ([.name("a"), .name("b", organization)], []),
      ([.name("b", organization), .name("a")], []), ([.name("a"), .name("b", organization, joined: true)], []),
      ([.name("a\\,O=b")], []), ([.name("a+O=b")], []), ([.name("é")], []), ([.name("C3A9")], []),
      ([.name("\\C3\\A9")], []), ([.name("e\u{301}")], []), ([.name("a\u{0}")], []), ([.name("a\u{0}b")], []),
      ([.name("a\n")], []), ([.name("a\u{7f}")], []), ([.name("a\u{200b}")], []), ([.name("a;DNS:b")], []),
      ([.name("\u{c3}\u{a9}")], []), ([Part(type: NID_commonName, kind: V_ASN1_T61STRING, bytes: [0xc3, 0xa9])], []),
      ([Part(type: NID_commonName, kind: V_ASN1_T61STRING, bytes: [0xe9])], []),
      ([.name(String(repeating: "a", count: 400))], []), ([.name(String(repeating: "a", count: 401))], []),
      ([.name("a"), .name("a")], []), ([.name("a")], [.dns("b")]), ([.name("a")], [.dns("b"), .dns("c")]),
      ([.name("a")], [.dns("b,DNS:c")]), ([.name("a")], [.dns("c")]), ([.name("a")], [.email("b")]),
      ([.name("a")], [.uri("b")]), ([.name("a")], [.other("b")]), ([.name("a")], [.ip([98, 0, 0, 1])]),
      ([], [.dns("b")]), ([], [.uri("spiffe://example/one")]), ([], [.uri("spiffe://example/two")]),
      ([], [.ip([192, 0, 2, 1])]), ([], [.ip([192, 0, 2, 2])]), ([], [.dns("a\u{0}.example")]), ([], [.dns("a")]),
      ([], [.other("one")]), ([], [.other("two")]), ([], [.email("a@b"), .dns("b")]), ([], [.email("a@b")]),
    ]
    var seen: [String: Int] = [:]
    for (index, (subject, alternatives)) in names.enumerated() {
      let name = try identity(subject, alternatives).name
      #expect(seen[name] == nil, "\(index) and \(seen[name] ?? -1) are both \(name)")
      seen[name] = index
    }
  }

  @Test("a renewed certificate is the same client's: another key, number and time, another type of string or order")
  func renewal() throws {
    let first = try identity([.name("one", kind: V_ASN1_PRINTABLESTRING)], [.dns("a"), .uri("b:c"), .dns("d")])
    let second = try identity([.name("one")], [.uri("b:c"), .dns("d"), .dns("a"), .dns("a")])
    #expect(first == second)
    let wide = Part(type: NID_commonName, kind: V_ASN1_BMPSTRING, bytes: [0, 0xe9])
    #expect(try identity([wide]) == identity([.name("é")]))
  }

  @Test("certificates whose names say nothing are as many clients", arguments: [[], [Part.name("")], [.name(" \t")]])
  func nothing(subject: [Part]) throws {
    let first = try ForgedCertificate(subject)
    let second = try ForgedCertificate(subject, [.dns("")])
    #expect(try identity(of: first) == identity(of: first))
    #expect(try identity(of: first) != identity(of: second))
    #expect(try identity(of: first) != identity(of: ForgedCertificate(subject)))
    #expect(try identity(of: first).name.hasSuffix(":unnamed"))
    #expect(try !identity(of: first).hasSubject)
  }

  @Test("the authority is part of who it is, by its key and not by its name")
  func authorities() throws {
    let one = try ForgedCertificate.authority()
    let other = try ForgedCertificate.authority()
    let renewed = try ForgedCertificate.authority(key: one.key)
    let crossSigned = try ForgedCertificate([.name("authority")], issuer: other, isAuthority: true, key: one.key)
    let keys = [one, other, renewed, crossSigned].map { CertificateIdentity.authorityKey(of: $0.handle) }
    #expect(keys[0] != nil && keys[0] != keys[1] && keys[0] == keys[2] && keys[0] == keys[3])
    let client = try ForgedCertificate([.name("client")])
    #expect(try identity(of: client, by: keys[0]) != identity(of: client, by: keys[1]))
  }

  @Test("what stands in ledgers stays as it is in each release")
  func recorded() throws {
    // Computed by hand: the first 20 bytes of SHA-256 of each part behind its length of four bytes.
    let identity = try identity(
      [.name("Example", NID_organizationName), .name("client é")], [.uri("spiffe://example/one"), .dns("b.example")])
    #expect(
      identity.name
        == "aa2e6bbfa02e4eac72ff9af275f335225ddc1daf:CN=client \\C3\\A9,O=Example;DNS:b.example;URI:spiffe://example/one"
    )
  }

  @Test("its name is printable, and cut")
  func text() throws {
    for identity in [
      try identity([.name("a\n\u{1b}[2J\u{202e}b\"c")]), try identity([], [.dns("a\u{0}\n;b, \u{e9}")]),
      try identity([.name(String(repeating: "a\n", count: 2000))]),
      try identity([], (0..<300).map { .dns("host\($0).example") }),
    ] {
      #expect(identity.name.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "\(identity.name)")
      #expect(identity.name.utf8.count <= 41 + CertificateNames.textLimit)
    }
  }

  @Test(
    "a server knows it after a full handshake and after a resumed one", arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
  func overTLS(version: CInt) throws {
    let root = try ForgedCertificate.authority("root")
    let issuing = try ForgedCertificate([.name("issuing")], issuer: root, isAuthority: true)
    let first = try ForgedCertificate([.name("client")], issuer: issuing)
    let renewed = try ForgedCertificate([.name("client")], issuer: issuing)
    let direct = try ForgedCertificate([.name("client")], issuer: root)
    let ours = Certificates.ours
    let server = try ours.serverContext(clients: .required(caFile: root.identity().certificateChainFile))
    try #require(shim_SSL_CTX_set_max_proto_version(server.handle, version) == 1)
    func handshake(
      _ identity: TLSClientConfiguration.Identity, _ ticket: TLSResumption?
    ) throws -> (TLSHandshakeCompleted, TLSResumption?) {
      let pair = try SessionPair(client: ours.clientContext(identity: identity), server: server)
      if let ticket { pair.client.offer(ticket) }
      try pair.handshake()
      try #require(pair.server.isHandshakeComplete, "\(String(describing: pair.atServer.failure))")
      return (pair.server.handshakeSummary(), pair.client.resumption)
    }
    let files = try first.identity(behind: [issuing])
    let (full, ticket) = try handshake(files, nil)
    let (resumed, second) = try handshake(files, ticket)
    let (again, _) = try handshake(files, second)
    #expect(!full.isResumed && resumed.isResumed && again.isResumed)
    let whole = try #require(full.peerCertificate?.identity)
    #expect(whole == resumed.peerCertificate?.identity && whole == again.peerCertificate?.identity)
    #expect(try handshake(renewed.identity(behind: [issuing]), nil).0.peerCertificate?.identity == whole)
    #expect(try handshake(direct.identity(), nil).0.peerCertificate?.identity != whole)
  }

  @Test(
    "the common name is the name's own characters, or nothing",
    arguments: [
      ([Part.name("a b")], "a b"), ([.name("é")], "é"), ([.name("\\C3\\A9")], "\\C3\\A9"), ([.name("C3A9")], "C3A9"),
      ([.name("a,b+c=\"d\"")], "a,b+c=\"d\""), ([.name("é", kind: V_ASN1_UTF8STRING)], "é"),
      ([Part(type: NID_commonName, kind: V_ASN1_BMPSTRING, bytes: [0, 0xe9])], "é"),
      ([Part(type: NID_commonName, kind: V_ASN1_T61STRING, bytes: [0xe9])], nil),
      ([.name("a\u{0}b")], nil), ([.name("a\r\nb")], nil), ([.name("\u{85}")], nil), ([.name("")], nil),
      ([.name("Users"), .name("a")], "a"), ([.name("a"), .name("b", joined: true)], nil),
      ([.name("a"), .name("b", NID_organizationName, joined: true)], "a"), ([.name("o", NID_organizationName)], nil),
      ([], nil),
    ] as [([Part], String?)])
  func commonName(subject: [Part], expected: String?) throws {
    let forged = try ForgedCertificate(subject)
    let certificate = try withExtendedLifetime(forged) { try #require(PeerCertificate(forged.handle)) }
    #expect(certificate.commonName == expected)
  }
}
