import ConfigurationReading
import Forwarders
import Foundation
import GatewayCore
@testable import GatewayServer
import Testing

@Suite struct ConfigurationPipeTests {
  let folder: ConfigurationFolder

  init() throws {
    folder = try ConfigurationFolder()
  }

  private func yaml(_ pipe: String) -> String {
    """
    tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}
    routes:
      /ingest:
        pipe: \(pipe)
    """
  }

  private func settings(_ pipe: String) throws -> PipeForwarder.Settings {
    let entry = try #require(try folder.parse(yaml(pipe)).routes.first)
    guard case .pipe(let settings) = entry.destination else {
      Issue.record("not a pipe")
      return PipeForwarder.Settings(backends: [])
    }
    #expect(entry.destination.holdsNothing)
    return settings
  }

  @Test("a pipe that names its backend alone has the documented defaults")
  func defaults() throws {
    let settings = try settings("{to: 10.0.0.5:9000}")
    #expect(settings == PipeForwarder.Settings(backends: [.host("10.0.0.5", port: 9000)]))
    let example = try RepositoryFile.yamlBlocks("docs/configuration.md")[6]
    let entry = try #require(try folder.parse(example).routes.first)
    guard case .pipe(var documented) = entry.destination else { return #expect(Bool(false)) }
    #expect(documented.tls?.serverName == "ingest.example")
    documented.tls = nil
    documented.backends = settings.backends
    #expect(documented == settings)
  }

  @Test("parts are dropped where a route that stores says so; a pipe has none")
  func dropsParts() throws {
    let stores = { (route: String) in
      "tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}\nroutes: {/files: {\(route)}}"
    }
    let store = "store: {directory: var/uploads}"
    #expect(try folder.parse(stores(store)).routes.first?.route.dropsParts == false)
    #expect(try folder.parse(stores("http: {drop-parts: true}, \(store)")).routes.first?.route.dropsParts == true)
    #expect(throws: ConfigurationFaults.self) {
      try folder.parse(stores("http: {drop-parts: true}, pipe: {to: 127.0.0.1:9}"))
    }
  }

  @Test("values other than the defaults arrive as they were written")
  func values() throws {
    let settings = try settings(
      """
      {to: ["[::1]:9000", backend.example:1, unix:run/in.sock], balance: by-key, connect-timeout: 1s, timeout: 2s,
              done: sent, header: proxy-v2, health: {every: 3s, timeout: 4s}, plaintext: allowed}
      """)
    var expected = PipeForwarder.Settings(
      backends: [
        .host("::1", port: 9000), .host("backend.example", port: 1), .unix(path: folder.path + "/run/in.sock"),
      ])
    expected.balance = .byKey
    expected.connectTimeout = .seconds(1)
    expected.timeout = .seconds(2)
    expected.done = .sent
    expected.reply = 0
    expected.header = .proxyV2
    expected.health = .init(every: .seconds(3), timeout: .seconds(4))
    #expect(settings == expected)
  }

  @Test(
    "each fault is reported at its place",
    arguments: [
      ("{}", "4:5 `pipe` has no `to`"),
      ("{to: []}", "4:16 `to` is empty"),
      ("{to: 10.0.0.5}", "4:16 `to`: `10.0.0.5` is not both a host and a port"),
      ("{to: [10.0.0.5:1, 10.0.0.5:1]}", "4:29 `to` has `10.0.0.5:1` twice"),
      ("{to: 10.0.0.5:0}", "4:16 `to`: `10.0.0.5:0` has no port from 1 to 65535"),
      (
        "{to: 203.0.113.5:1}",
        "4:16 `203.0.113.5:1` may be beyond the private network, and would get plaintext"
      ),
      ("{to: 172.32.0.1:1}", "4:16 `172.32.0.1:1` may be beyond the private network, and would get plaintext"),
      ("{to: 10.0.0.5:1, done: sent, reply: 1 KiB}", "4:47 `reply` with `done: sent`: no answer is waited for"),
      ("{to: 10.0.0.5:1, tls: {}, plaintext: allowed}", "4:48 `plaintext` beside `tls`: nothing is sent in plaintext"),
      (
        "{to: 10.0.0.5:1, tls: {certificate: certs/dev/server.pem}}",
        "4:28 `tls` has `certificate` without `private-key`"
      ),
      ("{to: unix:/run/x, tls: {}}", "4:16 `unix:/run/x` has no name that its certificate could be for"),
      ("{to: 10.0.0.5:1, ballance: by-key}", "4:28 unknown key `ballance` in `pipe`"),
      (
        "{to: 10.0.0.5:1}\n    http: {remove-complete: true}", "5:29 `remove-complete` is for routes that store"
      ),
      ("{to: 10.0.0.5:1}\n    store: {directory: var/u}", "4:5 `/ingest` has both `store` and `pipe`"),
    ])
  func faults(_ pipe: String, _ expected: String) {
    let said = folder.faults(yaml(pipe)).map { "\($0.line):\($0.column) \($0.message)" }
    #expect(said == [expected])
  }

  @Test("private addresses need no word for plaintext")
  func privateAddresses() throws {
    for host in ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.1.1", "localhost"] {
      _ = try settings("{to: \(host):9000}")
    }
    for host in ["::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"] { _ = try settings("{to: \"[\(host)]:9000\"}") }
    _ = try settings("{to: unix:/run/in.sock}")
    _ = try settings("{to: 203.0.113.5:9000, tls: {}}")
  }
}
