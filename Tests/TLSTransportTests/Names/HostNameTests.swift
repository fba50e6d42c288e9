import NIOCore
import Testing

@testable import TLSTransport

/// Certificates by the host name that a client asks for.
@Suite struct HostNameTests {
  let authority: ForgedCertificate
  let trust: TLSClientConfiguration.ServerTrust

  init() throws {
    authority = try ForgedCertificate.authority()
    trust = .caFile(try authority.identity().certificateChainFile)
  }

  private func context(
    _ host: String, clients: TLSServerConfiguration.ClientCertificates = .none, names: [String: TLSContext] = [:],
    refusesUnknown: Bool = false, isNamed: Bool = true, keys: TicketKeys? = nil
  ) throws -> TLSContext {
    let identity = try ForgedCertificate([.name(host)], [.dns(host)], issuer: authority).identity()
    var configuration = TLSServerConfiguration(
      certificateChainFile: identity.certificateChainFile, privateKeyFile: identity.privateKeyFile,
      clientCertificates: clients)
    if isNamed { configuration.hostName = host }
    return try TLSContext(
      server: configuration, names: names, refusesUnknown: refusesUnknown, ticketKeys: keys)
  }

  private func client(
    _ identity: TLSClientConfiguration.Identity? = nil, profile: TLSProfile = .intermediate
  ) throws -> TLSContext {
    try TLSContext(client: TLSClientConfiguration(trust: trust, identity: identity, profile: profile))
  }

  /// The error at the client, which verifies the name; nil where it is content.
  private func failure(of name: String, at server: TLSContext) throws -> TLSError? {
    let pair = try SessionPair(client: client(), server: server, serverName: name)
    try pair.handshake()
    return pair.atClient.failure ?? pair.atServer.failure
  }

  @Test("the whole name goes before the wildcard, a wildcard is one label, and case does not count")
  func choice() throws {
    let server = try context(
      "first.test",
      names: ["a.test": context("a.test"), "*.b.test": context("*.b.test"), "x.b.test": context("x.b.test")],
      isNamed: false)
    for name in ["first.test", "a.test", "A.Test", "y.b.test", "x.b.test"] {
      #expect(try failure(of: name, at: server) == nil, "\(name)")
    }
    // These get the first certificate, which is not theirs.
    for name in ["b.test", "x.y.b.test", "c.test"] { #expect(try failure(of: name, at: server) != nil, "\(name)") }
  }

  @Test("who asks for no known name is refused by the server, where it is told to")
  func unknown() throws {
    let server = try context(
      "first.test", names: ["a.test": context("a.test")], refusesUnknown: true, isNamed: false)
    #expect(try failure(of: "a.test", at: server) == nil)
    // The first certificate's own name.
    #expect(try failure(of: "first.test", at: server) == nil)
    for name in ["c.test", "127.0.0.1"] {
      let pair = try SessionPair(client: client(), server: server, serverName: name)
      try pair.handshake()
      #expect(!pair.server.isHandshakeComplete)
      let failure = try #require(pair.atClient.failure)
      #expect("\(failure)".contains("unrecognized name"), "\(name)")
    }
  }

  @Test("a name asks for certificates of its own clients' authority, and for no others")
  func authorities() throws {
    let ours = Certificates.ours
    let server = try context(
      "first.test",
      names: ["a.test": context("a.test", clients: .required(caFile: ours.clientsCA))], isNamed: false)
    let cases: [(String, TLSClientConfiguration.Identity?, Bool)] = [
      ("first.test", nil, true), ("a.test", nil, false), ("a.test", ours.clientIdentity, true),
      ("a.test", Certificates.strangers.clientIdentity, false),
    ]
    for (name, identity, isIn) in cases {
      let pair = try SessionPair(client: client(identity), server: server, serverName: name)
      try pair.handshake()
      #expect((pair.server.isHandshakeComplete && pair.atServer.failure == nil) == isIn, "\(name) \(isIn)")
    }
  }

  @Test("a session of one name is not resumed under another", arguments: [TLSProfile.modern, .intermediate])
  func sessions(_ profile: TLSProfile) throws {
    let server = try context(
      "first.test", names: ["a.test": context("a.test"), "b.test": context("b.test")], isNamed: false,
      keys: TicketKeys())
    for (from, to) in [("a.test", "b.test"), ("first.test", "a.test"), ("a.test", "first.test"), ("a.test", "a.test")] {
      let first = try SessionPair(client: client(profile: profile), server: server, serverName: from)
      try first.handshake()
      let second = try SessionPair(client: client(profile: profile), server: server, serverName: to)
      second.client.offer(try #require(first.client.resumption))
      try second.handshake()
      #expect(second.server.handshakeSummary().isResumed == (from == to), "\(from) \(to)")
    }
  }

  @Test("names are read as RFC 6066 has them, and nothing else is")
  func extensionBytes() {
    func read(_ bytes: [UInt8]) -> String? { bytes.withUnsafeBytes { ServerName.read($0) } }
    #expect(read([0, 4, 0, 0, 1, 0x61]) == "a")
    #expect(read([0, 6, 0, 0, 3, 0x41, 0x2e, 0x42]) == "a.b")
    #expect(read([0, 5, 0, 0, 2, 0x61, 0x2e]) == "a")
    // Another type before it.
    #expect(read([0, 8, 1, 0, 1, 0x78, 0, 0, 1, 0x61]) == "a")
    let bad: [[UInt8]] = [
      [], [0], [0, 0], [0, 4, 0, 0, 2, 0x61], [0, 5, 0, 0, 1, 0x61], [0, 3, 0, 0, 0], [0, 4, 0, 0, 1, 0x20],
      [0, 4, 0, 0, 1, 0xe9], [0, 4, 7, 0, 1, 0x61],
    ]
    for bytes in bad { #expect(read(bytes) == nil, "\(bytes)") }
  }
}
