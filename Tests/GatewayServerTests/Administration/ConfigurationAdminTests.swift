import ConfigurationReading
import Testing

@testable import GatewayServer

/// What a configuration says of operators.
struct ConfigurationAdminTests {
  private func configuration(_ admin: String) throws -> Configuration {
    var setup = GatewaySetup()
    setup.more = admin
    return try setup.configuration(in: GatewayFolder())
  }

  @Test("nobody is answered by default, and by default on loopback")
  func defaults() throws {
    #expect(try configuration("").admin == nil)
    #expect(try configuration("admin: {}").admin?.description == "127.0.0.1:9090")
    #expect(
      try configuration("admin: {listen: 'unix:/run/sluice/admin.sock'}").admin?.description
        == "unix:/run/sluice/admin.sock")
  }

  @Test(
    "what lets others than this machine in, or makes no sense, is refused with its line",
    arguments: [
      ("{listen: 0.0.0.0:9090}", "can be reached by others than this machine"),
      ("{listen: 0.0.0.0:9090, tls: true}", "can be reached by others than this machine"),
      ("{listen: 0.0.0.0:9090, tokens: tokens}", "can be reached by others than this machine"),
      ("{listen: systemd}", "cannot be a socket of systemd"),
      ("{listen: 'unix:/run/x', tls: true}", "`admin.tls` is for addresses"),
      ("{listen: 127.0.0.1:9090, tokens: nowhere}", "nowhere"),
      ("{lisen: 127.0.0.1:9090}", "unknown key `lisen`"),
    ])
  func faults(admin: String, words: String) throws {
    let faults = #expect(throws: ConfigurationFaults.self) { try configuration("admin: \(admin)") }
    #expect(
      faults?.faults.contains { $0.description.contains(words) && $0.line > 0 } == true, "\(String(describing: faults))"
    )
  }

  @Test("with TLS and tokens it may be anywhere")
  func everywhere() throws {
    let admin = try configuration("admin: {listen: 0.0.0.0:9090, tls: true, tokens: tokens}").admin
    #expect(admin?.usesTLS == true && admin?.tokens?.hasSuffix("/tokens") == true)
  }
}
