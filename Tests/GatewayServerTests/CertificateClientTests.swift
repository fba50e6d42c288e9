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
  /// Certificates of two authorities that one file of `client-ca` has.
  private final class Authorities {
    let folder: GatewayFolder

    init(_ folder: GatewayFolder) throws {
      self.folder = folder
      for name in ["first", "second"] {
        try run(
          [
            "req", "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", path(name + ".key"), "-out",
            path(name + ".pem"),
          ] + Self.newKey)
      }
      let both = try ["first.pem", "second.pem"].map { try String(contentsOfFile: path($0), encoding: .utf8) }.joined()
      try folder.write("clients-ca.pem", both)
    }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    func path(_ name: String) -> String { folder.path + "/" + name }

    /// A client that shows a certificate of its own.
    func client(_ subject: String, _ alternatives: String?, by authority: String = "first") throws -> UploadClient {
      let name = UUID().uuidString
      try run(
        ["req", "-new", "-subj", subject, "-keyout", path(name + ".key"), "-out", path(name + ".csr")] + Self.newKey)
      let names = alternatives.map { "subjectAltName=\(subject == "/" ? "critical," : "")\($0)\n" } ?? ""
      try folder.write(name + ".cnf", names + "extendedKeyUsage=clientAuth\n")
      try run([
        "x509", "-req", "-days", "2", "-in", path(name + ".csr"), "-CA", path(authority + ".pem"), "-CAkey",
        path(authority + ".key"), "-set_serial", "\(UInt64.random(in: 1...(.max >> 1)))", "-extfile",
        path(name + ".cnf"),
        "-out", path(name + ".pem"),
      ])
      return try UploadClient(
        ClientConfiguration(
          trust: .caFile(TestCertificates.ours.ca),
          identity: .init(certificateChainFile: path(name + ".pem"), privateKeyFile: path(name + ".key")),
          silenceTimeout: .seconds(20)))
    }

    private func run(_ arguments: [String]) throws {
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = ["openssl"] + arguments
      process.standardError = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0, "openssl \(arguments)")
    }
  }

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
