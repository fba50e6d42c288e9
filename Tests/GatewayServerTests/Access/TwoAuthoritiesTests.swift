import NIOCore
import TLSTransport
import Testing
import XStream
import XStreamClient

/// Two authorities that both call a client of theirs `CN=a`.
@Suite(.timeLimit(.minutes(1))) struct TwoAuthoritiesTests {
  private let route = "/upload-file"

  @Test(
    "a key works for the client that began with it alone: to go on, to ask and to give up",
    arguments: [FrontUnderTest.xStream, .resumableHTTP])
  func keys(front: FrontUnderTest) async throws {
    let folder = try GatewayFolder()
    let authorities = try Authorities(folder)
    var setup = GatewaySetup()
    setup.clientCertificate = "required"
    setup.clientCA = authorities.path("clients-ca.pem")
    setup.routes = GatewaySetup.plainRoute("access: {certificates: {subject: CN=a}}")
    setup.more = "http: {}"
    let (owner, namesake) = try (authorities.identity("/CN=a"), authorities.identity("/CN=a", by: "second"))
    try await withGateway(setup, in: folder) { gateway in
      func connect(_ identity: TLSClientConfiguration.Identity) async throws -> RawClient {
        try await RawClient.connect(gateway.port, applicationProtocols: [front.name], identity: identity)
      }
      let total = 2 << 20
      let first = try await connect(owner)
      try await first.send(front.open(route, total))
      guard case .offer(let key, offset: 0, end: total)? = await front.answer(first, total: total).word else {
        Issue.record("no offer")
        return
      }
      try await first.send(pattern(1 << 20))
      #expect(await eventually { gateway.bytesInMemory == 0 })
      for request in [front.resume(route, key, total), front.status(route, key, total), front.cancel(route, key)] {
        let other = try await connect(namesake)
        try await other.send(request)
        #expect(await front.answer(other, total: total).word == .refused)
        other.channel.close(promise: nil)
      }
      // The owner was not disturbed, and goes on.
      try await first.send(try #require(pattern(total).getSlice(at: 1 << 20, length: 1 << 20)))
      #expect(await front.answer(first, total: total).word == .done)
      #expect(try folder.stored(key) == pattern(total))
      first.channel.close(promise: nil)
    }
  }

  @Test("a route may take the clients of one of them")
  func oneOfThem() async throws {
    let folder = try GatewayFolder()
    let authorities = try Authorities(folder)
    let pin = try authorities.pin(of: "second")
    var setup = GatewaySetup()
    setup.clientCertificate = "required"
    setup.clientCA = authorities.path("clients-ca.pem")
    setup.routes = GatewaySetup.plainRoute("access: {certificates: {subject: CN=a, authority: \"sha256:\(pin)\"}}")
    let (stranger, good) = try (authorities.client("/CN=a", nil), authorities.client("/CN=a", nil, by: "second"))
    try await withGateway(setup, in: folder) { gateway in
      let refused = await failure { try await stranger.upload(.bytes(pattern(10)), to: gateway.url(), options: .once) }
      #expect(refused?.status == .unauthorized)
      _ = try await good.upload(.bytes(pattern(10)), to: gateway.url(), options: .once)
    }
  }
}
