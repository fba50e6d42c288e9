import ConfigurationReading
import Foundation
import Fronts
import Forwarders
import GatewayCore
@testable import GatewayServer
import NIOCore
import Testing

@Suite struct ConfigurationTests {
  let folder: ConfigurationFolder

  init() throws {
    folder = try ConfigurationFolder()
  }

  private let least = """
    tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}
    routes:
      /upload-file:
        store: {directory: var/uploads}
    """

  @Test("what is left out takes the documented default")
  func defaults() throws {
    let configuration = try folder.parse(least)
    #expect(configuration.listeners == [Listener(.address(ListenAddress(host: "127.0.0.1", port: 8443)))])
    #expect(configuration.tls.profile == .intermediate)
    #expect(configuration.tls.clientCA == nil)
    #expect(configuration.tls.clientCertificate == .unasked)
    #expect(configuration.state == folder.path + "/var/state")
    #expect(configuration.memory == 512 << 20)
    #expect(configuration.window == 4 << 20)
    #expect(configuration.connections == 4096)
    #expect(configuration.handshakes == 1000)
    #expect(
      configuration.addresses
        == AddressBounds(
          connections: 1024, handshakes: 100,
          except: [
            .addresses([127, 0, 0, 0], bits: 8), .addresses([UInt8](repeating: 0, count: 15) + [1], bits: 128),
          ]))
    #expect(configuration.threads == .automatic)
    #expect(String(describing: configuration.log.level) == "info")
    #expect(configuration.log.format == .text)
    #expect(
      configuration.timeouts
        == Configuration.Timeouts(
          handshake: .seconds(10), head: .seconds(30), idle: .seconds(300), silence: .seconds(60),
          drain: .seconds(10), shutdown: .seconds(10),
          progress: MinimumProgress(bytes: 64 << 10, every: .seconds(30)), upload: nil))
    let entry = try #require(configuration.routes.first)
    #expect(entry.destination == .directory(DirectoryStore.Settings(directory: folder.path + "/var/uploads")))
    #expect(entry.route.path == "/upload-file")
    #expect(entry.route.formats == [.bytes, .text, .json])
    #expect(entry.route.buffer == 4096...(1 << 20))
    #expect(
      entry.route.limits
        == RouteLimits(upload: 100 << 30, held: 1 << 40, concurrent: 256, unfinished: 10_000, payload: 1 << 20))
    #expect(entry.route.resumeFor == .seconds(86_400))
    #expect(entry.route.clientLimits == ClientLimits(begun: 1000))
    #expect(entry.route.onQuota == .partial)
    #expect(entry.route.takesStreams)
    #expect(entry.route.access.takesAnyone)
    #expect(!entry.route.access.takesCertificates)
  }

  /// All that a configuration says, but for where it says it.
  private func settings(of yaml: String) throws -> String {
    var configuration = try folder.parse(yaml)
    configuration.origin = ConfigurationOrigin(file: "")
    return String(describing: configuration)
  }

  @Test("the default configuration says nothing but the defaults")
  func embeddedDefault() throws {
    // HTTP alone has to be asked for: it lets in clients that an x-stream gateway did not have to think of.
    #expect(try settings(of: EmbeddedDefault.yaml) == settings(of: least + "\nhttp: {}\n"))
  }

  @Test("every documented example loads, and the default one is the one that is built in")
  func documentation() throws {
    let blocks = try RepositoryFile.yamlBlocks("docs/configuration.md")
    #expect(blocks.count == 8)
    for block in blocks { _ = try folder.parse(block) }
    #expect(blocks.contains(EmbeddedDefault.yaml))
  }

  @Test("the documented defaults are the defaults")
  func documentedDefaults() throws {
    let example = try #require(try RepositoryFile.yamlBlocks("docs/configuration.md").first)
    let optional = ["client-ca:", "client-certificate:", "access:", "gzip:"]
    let lines = example.split(separator: "\n").filter { line in !optional.contains { line.contains($0) } }
    #expect(try settings(of: lines.joined(separator: "\n")) == settings(of: least))
  }

  @Test("every key of the full example is heard")
  func fullExample() throws {
    let example = try #require(try RepositoryFile.yamlBlocks("docs/configuration.md").first)
    let configuration = try folder.parse(example)
    #expect(configuration.tls.clientCA == folder.path + "/certs/dev/clients-ca.pem")
    #expect(configuration.tls.clientCertificate == .required)
    let access = try #require(configuration.routes.first).route.access
    #expect(!access.takesAnyone)
    #expect(access.takesCertificates)
    #expect(access.tokens?.name(of: "secret") == "backup")
    #expect(access.tokens?.name(of: "Secret") == nil)
  }

  @Test("the example for a server loads, its files aside")
  func deployment() throws {
    let configuration = try Configuration.load(
      path: RepositoryFile.url("deploy/sluice.yaml").path, checkingFiles: false)
    #expect(configuration.listeners == [Listener(.address(ListenAddress(host: "0.0.0.0", port: 8443)))])
    #expect(configuration.state == "/var/lib/sluice/state")
    #expect(configuration.routes.first?.route.access.takesAnyone == false)
  }

  @Test("values other than the defaults arrive as they were written")
  func values() throws {
    let configuration = try folder.parse(
      """
      listen: "[::1]:0"
      tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key, profile: modern,
            client-ca: certs/dev/clients-ca.pem, client-certificate: optional}
      state: ./elsewhere
      memory: 2 MiB
      connections: 7
      handshakes: 20/s
      per-address: {connections: off, handshakes: 2/s, except: 10.0.0.0/8}
      threads: 3
      log: {level: warning, format: json}
      timeouts: {silence: 500ms, progress: 1 KiB per 5s, upload: 2d}
      routes:
        /a/b.c:
          formats: text
          buffer: {min: 2 MiB}
          limits: {held: 10 KiB, concurrent: 1, unfinished: 2, window: {bytes: 4 KiB, every: 90s}, bandwidth: 64 KiB/s}
          client-limits: {held: 5 KiB, concurrent: 3, unfinished: 4, window: {bytes: 1 GB, every: 7d}, bandwidth: 1 MB/s,
                          room: 40%, begun: 5/s}
          on-quota: refuse
          resume-for: 7d
          keep: 30d
          remember: 365d
          streams: false
          http: {keys: true, remove-complete: true, cors: {origins: ["https://app.example"]}}
          access: {certificates: true}
          store: {directory: var/a}
        /d:
          buffer: {max: 1KB}
          access: anyone
          store: {directory: var/d}
      """)
    #expect(configuration.listeners == [Listener(.address(ListenAddress(host: "::1", port: 0)))])
    #expect(configuration.tls.profile == .modern)
    #expect(configuration.tls.clientCertificate == .optional)
    #expect(configuration.state == folder.path + "/elsewhere")
    #expect(configuration.memory == 2 << 20)
    #expect(configuration.window == 2 << 20)
    #expect(configuration.connections == 7)
    #expect(configuration.handshakes == 20)
    #expect(
      configuration.addresses == AddressBounds(handshakes: 2, except: [.addresses([10, 0, 0, 0], bits: 8)]))
    #expect(configuration.threads == .exactly(3))
    #expect(String(describing: configuration.log.level) == "warning")
    #expect(configuration.log.format == .json)
    #expect(configuration.timeouts.silence == .milliseconds(500))
    #expect(configuration.timeouts.progress == MinimumProgress(bytes: 1024, every: .seconds(5)))
    #expect(configuration.timeouts.upload == .seconds(2 * 86_400))
    #expect(configuration.routes.map(\.route.path) == ["/a/b.c", "/d"])
    let first = configuration.routes[0].route
    #expect(first.formats == [.text])
    #expect(first.buffer == (2 << 20)...(2 << 20))
    #expect(
      first.limits
        == RouteLimits(
          upload: 10 << 10, held: 10 << 10, concurrent: 1, unfinished: 2, payload: 10 << 10,
          window: WindowLimit(bytes: 4096, every: .seconds(90)), bandwidth: 64 << 10))
    #expect(
      first.clientLimits
        == ClientLimits(
          held: 5 << 10, concurrent: 3, unfinished: 4,
          window: WindowLimit(bytes: 1_000_000_000, every: .seconds(7 * 86_400)), bandwidth: 1_000_000, room: 40,
          begun: 5))
    #expect(first.onQuota == .refuse)
    #expect(first.resumeFor == .seconds(7 * 86_400))
    #expect(first.keep == .seconds(30 * 86_400) && first.remember == .seconds(365 * 86_400))
    #expect(
      configuration.routes[1].route.keep == nil && configuration.routes[1].route.remember == .seconds(90 * 86_400))
    #expect(!first.takesStreams)
    #expect(!first.access.takesAnyone && first.access.takesCertificates)
    let http = configuration.routes[0].http
    #expect(http.takesKeys && http.removesComplete && http.origins == ["https://app.example"])
    #expect(!configuration.routes[1].http.takesKeys && !configuration.routes[1].http.removesComplete)
    #expect(configuration.routes[1].route.buffer == 1000...1000)
    #expect(configuration.routes[1].route.access.takesAnyone)
  }

  @Test("what has a bound by default has none where it is off")
  func off() throws {
    let configuration = try folder.parse(
      """
      tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}
      timeouts: {progress: off, upload: off}
      handshakes: off
      per-address: {connections: off, handshakes: off, except: []}
      routes: {/a: {client-limits: {begun: off}, store: {directory: a}}}
      """)
    #expect(configuration.timeouts.progress == nil && configuration.timeouts.upload == nil)
    #expect(configuration.handshakes == nil && configuration.addresses == AddressBounds(except: []))
    #expect(configuration.routes.first?.route.clientLimits.begun == nil)
  }

  @Test("relative paths count from the folder of the file, wherever the gateway was started")
  func relativePaths() throws {
    try folder.write("etc/sluice.yaml", least.replacingOccurrences(of: "certs/", with: "../certs/"))
    let configuration = try Configuration.load(path: folder.path + "/etc/sluice.yaml")
    #expect(configuration.tls.certificate == folder.path + "/etc/../certs/dev/server.pem")
    #expect(configuration.state == folder.path + "/etc/var/state")
  }
}
