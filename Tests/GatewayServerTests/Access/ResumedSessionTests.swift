import NIOCore
import TLSTransport
import Testing

/// A session that goes on by a ticket, after rights were taken away.
@Suite(.timeLimit(.minutes(1))) struct ResumedSessionTests {
  private let question = FrontUnderTest.xStream.status("/upload-file", "0123456789abcdefghij", 10)

  private func setup(_ authorities: Authorities, _ access: String) -> GatewaySetup {
    var setup = GatewaySetup()
    setup.clientCertificate = "required"
    setup.clientCA = authorities.path("first.pem")
    setup.tlsMore = ", client-crl: first.crl"
    setup.routes = GatewaySetup.plainRoute("access: {certificates: \(access)}")
    return setup
  }

  /// Status 10 is what a client hears that may ask; 5 one that may not.
  private func status(_ client: RawClient) async throws -> String? {
    try await client.send(question)
    return await client.packet()?["status"]
  }

  @Test("has no more of them than a full handshake would give")
  func rights() async throws {
    let folder = try GatewayFolder()
    let authorities = try Authorities(folder)
    try authorities.writeList()
    let identity = try authorities.identity("/CN=one")
    let all = setup(authorities, "true")
    try await withGateway(all, in: folder) { gateway in
      let first = try await RawClient.connect(gateway.port, identity: identity)
      #expect(try await status(first) == "10" && !first.isResumed)
      let ticket = try #require(try await first.ticket())
      first.channel.close(promise: nil)
      func resumed() async throws -> RawClient {
        try await RawClient.connect(gateway.port, identity: identity, ticket: ticket)
      }
      let before = try await resumed()
      #expect(before.isResumed)
      #expect(try await status(before) == "10")

      // The route takes others from now on: neither the open connection nor a new one may ask.
      try await gateway.publishRights(setup(authorities, "{common-name: other}"))
      #expect(try await status(before) == "5")
      let after = try await resumed()
      #expect(try await status(after) == "5")
      after.channel.close(promise: nil)

      // The right comes back, and the certificate is revoked.
      try await gateway.publishRights(all)
      #expect(try await status(before) == "10")
      try authorities.writeList(revoking: [identity])
      try await gateway.publishRights(all)
      #expect(try await status(before) == "5")
      before.channel.close(promise: nil)
      let revoked = try await resumed()
      try? await revoked.send(question)
      #expect(await revoked.end() == .cut)
    }
  }

  @Test("does not outlive the authority that it was made by")
  func authority() async throws {
    let folder = try GatewayFolder()
    let authorities = try Authorities(folder)
    try authorities.writeList()
    try authorities.writeList("second")
    let identity = try authorities.identity("/CN=one")
    let setup = setup(authorities, "true")
    try await withGateway(setup, in: folder) { gateway in
      let first = try await RawClient.connect(gateway.port, identity: identity)
      #expect(try await status(first) == "10")
      let ticket = try #require(try await first.ticket())
      var others = setup
      others.clientCA = authorities.path("second.pem")
      others.tlsMore = ", client-crl: second.crl"
      try await gateway.publishRights(others)
      // The connection is ended; a question that is faster is refused.
      let answer = try? await status(first)
      #expect(["5", "15", nil].contains(answer))
      first.channel.close(promise: nil)
      let late = try await RawClient.connect(gateway.port, identity: identity, ticket: ticket)
      try? await late.send(question)
      #expect(await late.end() == .cut)
    }
  }
}
