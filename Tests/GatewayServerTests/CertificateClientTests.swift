import Foundation
import GatewayCore
import Ledgers
import NIOCore
import TLSTransport
import Testing
import XStream
import XStreamClient

/// Who is who among clients with certificates.
@Suite(.timeLimit(.minutes(1))) struct CertificateClientTests {
  private func withAuthorities(
    _ route: String = "", _ body: (GatewayUnderTest, Authorities) async throws -> Void
  ) async throws {
    let folder = try GatewayFolder()
    let authorities = try Authorities(folder)
    var setup = GatewaySetup()
    setup.clientCertificate = "required"
    setup.clientCA = authorities.path("clients-ca.pem")
    setup.routes = "  /upload-file: {store: {directory: uploads}, access: {certificates: true}\(route)}\n"
    try await withGateway(setup) { gateway in try await body(gateway, authorities) }
  }

  @Test("each has a quota of its own, be its names in the subject, beside it, or of another authority")
  func quotas() async throws {
    try await withAuthorities(", client-limits: {held: 100 KB}") { gateway, authorities in
      let clients = try [
        authorities.client("/", "URI:spiffe://example/one"), authorities.client("/", "URI:spiffe://example/two"),
        authorities.client("/", "IP:192.0.2.1"), authorities.client("/CN=one", nil),
        authorities.client("/CN=one", nil, by: "second"), authorities.client("/CN=one", "DNS:one.example"),
        authorities.client("/", nil), authorities.client("/", nil),
      ]
      for client in clients {
        _ = try await client.upload(.bytes(pattern(60_000)), to: gateway.url(), options: .once)
      }
      // Another certificate of the first client is the first client's.
      let renewed = try authorities.client("/", "URI:spiffe://example/one")
      let refused = await failure {
        try await renewed.upload(.bytes(pattern(60_000)), to: gateway.url(), options: .once)
      }
      #expect(refused?.status == .partial, "\(String(describing: refused))")
      let quotas = try LedgerReader(path: gateway.folder.ledger).quotas().filter {
        $0.subject.hasPrefix("certificate:")
      }
      #expect(quotas.count == clients.count && quotas.allSatisfy { $0.used == 60_000 })
      #expect(quotas.contains { $0.subject.hasSuffix(":URI:spiffe://example/two") })
    }
  }

  @Test("a key works for the client that began with it, and for nobody who is called alike")
  func keys() async throws {
    try await withAuthorities { gateway, authorities in
      let owner = try authorities.client("/CN=one", "URI:spiffe://example/one")
      let outcome = try await owner.upload(.bytes(pattern(50_000)), to: gateway.url(), options: .once)
      for other in try [
        authorities.client("/CN=one", "URI:spiffe://example/two"), authorities.client("/CN=one", nil),
        authorities.client("/", "URI:spiffe://example/one"),
        authorities.client("/CN=one", "URI:spiffe://example/one", by: "second"),
      ] {
        let asked = await failure { try await other.ask(outcome.key, total: 50_000, at: gateway.url()) }
        #expect(asked?.status == .unknownKey, "\(String(describing: asked))")
      }
      let renewed = try authorities.client("/CN=one", "URI:spiffe://example/one")
      _ = try await renewed.ask(outcome.key, total: 50_000, at: gateway.url())
    }
  }
}
