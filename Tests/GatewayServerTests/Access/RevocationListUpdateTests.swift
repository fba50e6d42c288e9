import ConfigurationReading
import NIOCore
import TLSTransport
import Testing
import XStreamClient

/// A new list of revoked certificates, while clients are connected.
@Suite(.timeLimit(.minutes(1))) struct RevocationListUpdateTests {
  private let route = "/upload-file"

  private func setup(_ authorities: Authorities, more: String = "") -> GatewaySetup {
    var setup = GatewaySetup()
    setup.clientCertificate = "required"
    setup.clientCA = authorities.path("first.pem")
    setup.tlsMore = ", client-crl: first.crl"
    setup.routes = GatewaySetup.plainRoute("access: {certificates: true}")
    setup.more = "http: {}"
    return setup
  }

  @Test(
    "ends the uploads of whoever is on it, refuses them from then on, and leaves others alone",
    arguments: [FrontUnderTest.xStream, .resumableHTTP])
  func update(front: FrontUnderTest) async throws {
    let folder = try GatewayFolder()
    let authorities = try Authorities(folder)
    try authorities.writeList()
    let (one, other) = try (authorities.identity("/CN=one"), authorities.identity("/CN=other"))
    let setup = setup(authorities)
    try await withGateway(setup, in: folder) { gateway in
      func connect(_ identity: TLSClientConfiguration.Identity) async throws -> RawClient {
        try await RawClient.connect(gateway.port, applicationProtocols: [front.name], identity: identity)
      }
      let total = 3 << 20
      let clients = try await [connect(one), connect(other)]
      for client in clients {
        try await client.send(front.open(route, total))
        guard case .offer? = await front.answer(client, total: total).word else {
          Issue.record("no offer")
          return
        }
        try await client.send(pattern(1 << 20))
      }
      #expect(await eventually { gateway.bytesInMemory == 0 })
      try authorities.writeList(revoking: [one])
      try await gateway.publishRights(setup)
      for client in clients { client.push(pattern(2 << 20)) }
      #expect(await front.answer(clients[0], total: total).word == .refused)
      #expect(await front.answer(clients[1], total: total).word == .done)
      for client in clients { client.channel.close(promise: nil) }
      let refused = try await connect(one)
      try? await refused.send(front.open(route, 10))
      #expect(await refused.end() == .cut)
      let good = try await connect(other)
      try await good.send(front.status(route, "0123456789abcdefghij", 10))
      #expect(await front.answer(good, total: 10).word == .refused, "a key that never was")
      good.channel.close(promise: nil)
    }
  }

  @Test("a file that is no list is a fault with its line, and changes nothing")
  func broken() async throws {
    let folder = try GatewayFolder()
    let authorities = try Authorities(folder)
    try authorities.writeList()
    let client = try authorities.client("/CN=one", nil)
    let setup = setup(authorities)
    try await withGateway(setup, in: folder) { gateway in
      try folder.write("first.crl", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
      do {
        try await gateway.publishRights(setup)
        Issue.record("taken")
      } catch let faults as ConfigurationFaults {
        #expect(faults.faults.map(\.line) == [2])
        #expect(faults.description.contains("`client-crl`: \(folder.path)/first.crl:1: "))
      }
      _ = try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: .once)
    }
  }
}
