import Foundation
import Testing
import XStreamClient

/// Certificates by host name, as an independent client sees them.
@Suite(.timeLimit(.minutes(1))) struct ServerNameTests {
  /// Whether somebody who asks for a name gets a certificate of this authority.
  private func isServed(_ name: String?, by ca: String, _ gateway: GatewayProcess) async throws -> Bool {
    let asked = name.map { ["-servername", $0] } ?? ["-noservername"]
    let result = try await Program.run(
      ["openssl", "s_client", "-brief", "-verify_return_error", "-CAfile", ca, "-connect", "127.0.0.1:\(gateway.port)"]
        + asked, in: gateway.folder)
    return result.status == 0
  }

  @Test("each name has its certificate, and who asks for another one, or for none, is refused")
  func names() async throws {
    let (ours, others) = (TestCertificates.ours, TestCertificates.strangers)
    var setup = GatewaySetup()
    setup.tlsMore = ", names: {\"*.other.test\": {certificate: \(others.server), private-key: \(others.serverKey)}}"
    try await withGatewayProcess(setup) { gateway in
      #expect(gateway.log.contains("the certificate is not for `*.other.test`"))
      #expect(try await isServed("localhost", by: ours.ca, gateway))
      #expect(try await isServed("a.other.test", by: others.ca, gateway))
      #expect(try await !isServed("a.other.test", by: ours.ca, gateway))
      for name in ["other.test", "a.b.other.test", "unknown.test", nil] {
        for ca in [ours.ca, others.ca] { #expect(try await !isServed(name, by: ca, gateway), "\(name ?? "none")") }
      }
      // From now on whoever asks for something else gets the first.
      setup.tlsMore += ", unknown: first"
      try gateway.configure(setup)
      #expect(try await gateway.reload().status == 0)
      for name in ["unknown.test", nil] { #expect(try await isServed(name, by: ours.ca, gateway)) }
    }
  }
}
