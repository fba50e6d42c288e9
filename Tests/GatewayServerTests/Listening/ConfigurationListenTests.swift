import ConfigurationReading
import Testing

@testable import GatewayServer

/// `listen` and the certificates of host names, as they are written.
@Suite struct ConfigurationListenTests {
  let folder: ConfigurationFolder

  init() throws {
    folder = try ConfigurationFolder()
  }

  private func yaml(_ listen: String, tls: String = "", access: String = "access: anyone, ") -> String {
    """
    listen: \(listen)
    tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key\(tls)}
    routes: {/a: {\(access)store: {directory: a}}}
    """
  }

  /// `LINE:COLUMN MESSAGE` of each fault.
  private func faults(_ yaml: String) -> [String] {
    folder.faults(yaml).map { "\($0.line):\($0.column) \($0.message)" }
  }

  @Test("one place, or several, each by itself or with who may speak for clients there")
  func places() throws {
    #expect(
      try folder.parse(yaml("[\"127.0.0.1:1\", \"unix:run/a\", systemd, \"systemd:web\"]")).listeners
        == [
          Listener(.address(ListenAddress(host: "127.0.0.1", port: 1))), Listener(.unix(folder.path + "/run/a")),
          Listener(.systemd(nil)), Listener(.systemd("web")),
        ])
    #expect(
      try folder.parse(yaml("{address: \"unix:/a\", proxy-from: [unix, 10.0.0.0/8]}")).listeners
        == [Listener(.unix("/a"), proxies: [.unix, .addresses([10, 0, 0, 0], bits: 8)])])
  }

  @Test(
    "what is wrong is told with its place",
    arguments: [
      ("[]", "1:1 `listen` is empty"),
      ("[\"127.0.0.1:1\", \"127.0.0.1:1\"]", "1:25 `listen` has `127.0.0.1:1` twice, first in line 1"),
      ("{address: \"127.0.0.1:1\", proxy-from: 10.0.0.1/8}", "1:46 `proxy-from`: `10.0.0.1/8` names an address"),
      ("{address: \"127.0.0.1:1\", proxy-form: 10.0.0.1}", "1:34 unknown key `proxy-form`"),
      ("{proxy-from: 10.0.0.1}", "`listen` has no `address`"),
      ("\"systemd:\"", "1:9 `listen`: `systemd:` names no socket"),
    ])
  func faulty(_ listen: String, _ expected: String) {
    let found = faults(yaml(listen))
    #expect(found.contains { $0.contains(expected) }, "\(found)")
  }

  @Test(
    "where anybody may come from, routes have to say who may upload",
    arguments: [
      "[\"127.0.0.1:1\", \"0.0.0.0:2\"]", "systemd", "{address: \"127.0.0.1:1\", proxy-from: 127.0.0.1}",
    ])
  func access(_ listen: String) {
    #expect(faults(yaml(listen, access: "")).contains { $0.contains("has no `access`") })
  }

  @Test("a name inherits what is asked of clients, and may ask for something else")
  func names() throws {
    let tls =
      try folder.parse(
        yaml(
          "127.0.0.1:1",
          tls: """
            , client-ca: certs/dev/clients-ca.pem, client-certificate: optional, unknown: first, names: {
              A.Example: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key},
              "*.b.example": {certificate: certs/dev/server.pem, private-key: certs/dev/server.key,
                client-ca: certs/dev/server.pem}}
            """)
      ).tls
    #expect(tls.names.map(\.name) == ["a.example", "*.b.example"] && !tls.refusesUnknown)
    #expect(tls.names.map(\.clientCertificate) == [.optional, .required])
    #expect(tls.names.map(\.clientCA) == ["clients-ca.pem", "server.pem"].map { folder.path + "/certs/dev/" + $0 })
  }

  @Test(
    "what is wrong with names is told with its place",
    arguments: [
      (", unknown: refuse", "2:86 `unknown` without `names`"),
      (
        ", names: {a_b: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}}",
        "`a_b` is no host name"
      ),
      (", names: {a: {certificate: certs/dev/server.pem}}", "`a` has no `private-key`"),
      (", ticket-keys: certs/none", "`ticket-keys`: cannot read"),
      (", warn-before: 30", "`warn-before`: `30` has no unit"),
    ])
  func faultyNames(_ tls: String, _ expected: String) {
    let found = faults(yaml("127.0.0.1:1", tls: tls))
    #expect(found.contains { $0.contains(expected) }, "\(found)")
  }
}
