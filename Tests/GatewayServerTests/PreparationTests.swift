import ConfigurationReading
import Foundation
import Glibc
import TestPrerequisites
import Testing

@testable import GatewayServer

/// `sluice check` knows what `sluice serve` would find, and changes nothing.
@Suite(.timeLimit(.minutes(1))) struct PreparationTests {
  private func check(_ folder: GatewayFolder) async throws -> Program.Result {
    try await sluice(["check", "--config", "sluice.yaml"], in: folder)
  }

  /// Everything below the folder but what the programs of the test print.
  private func contents(_ folder: GatewayFolder) throws -> Set<String> {
    let all = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    return Set(all.filter { !$0.hasPrefix("program-") })
  }

  struct Case: CustomTestStringConvertible, Sendable {
    /// Replaces this.
    var old: String
    var new: String
    var place: String
    var message: String
    /// In a shell, beforehand.
    var preparation = ""

    var testDescription: String { "\(preparation) \(new)" }
  }

  static let faulty: [Case] = [
    Case(old: "directory: uploads", new: "directory: ~/uploads", place: "9:37", message: "which only a shell knows"),
    Case(old: "directory: uploads", new: "directory: $HOME/a", place: "9:37", message: "which only a shell knows"),
    Case(old: "directory: uploads", new: "directory: \"a/${USER}\"", place: "9:37", message: "only a shell knows"),
    Case(old: "state: state", new: "state: \"~\"", place: "3:8", message: "which only a shell knows"),
    Case(
      old: "state: state", new: "state: dangling", place: "3:8", message: "is a link to `/no/such/folder`",
      preparation: "ln -s /no/such/folder dangling"),
    Case(
      old: "directory: uploads", new: "directory: dangling/a", place: "9:37", message: "is a link to `gone`",
      preparation: "ln -s gone dangling"),
    Case(
      old: "directory: uploads", new: "directory: a", place: "9:37", message: "`.partial` is not a folder",
      preparation: "mkdir a; touch a/.partial"),
    Case(
      old: "directory: uploads", new: "directory: a/b", place: "9:37", message: "is not a folder",
      preparation: "touch a"),
    Case(
      old: "state: state", new: "state: state", place: "3:8", message: "is not a ledger",
      preparation: "mkdir state; echo letters >state/ledger.sqlite"),
    Case(old: "127.0.0.1:0", new: "192.0.2.1:0", place: "1:9", message: "no interface of this machine has it"),
  ]

  @Test(
    "what keeps a gateway from starting is told by check as by serve, with its line, and nothing is made",
    arguments: faulty)
  func faults(_ wrong: Case) async throws {
    let folder = try GatewayFolder()
    let prepared = try await Program.run(["sh", "-c", wrong.preparation], in: folder)
    try #require(prepared.status == 0)
    // Nobody has to be let in for a wrong address to be wrong.
    var setup = GatewaySetup(routes: GatewaySetup.plainRoute("access: anyone"))
    setup.logLevel = "warning"
    let yaml = setup.yaml
    try #require(yaml.contains(wrong.old))
    try folder.write("sluice.yaml", yaml.replacing(wrong.old, with: wrong.new))
    let before = try contents(folder)
    let checked = try await check(folder)
    #expect(checked.status == 1 && checked.output.isEmpty, "\(checked.output)")
    let message = wrong.message.replacing("`.partial`", with: "\(folder.path)/a/.partial`")
    #expect(checked.errors.contains(message), "\(checked.errors)")
    #expect(checked.errors.hasPrefix("sluice.yaml:\(wrong.place): error: "), "\(checked.errors)")
    #expect(try contents(folder) == before)
    let served = try await sluice(["serve", "--config", "sluice.yaml"], in: folder)
    #expect(served.status == 1 && served.errors == checked.errors, "\(served.errors)")
    #expect(try contents(folder) == before)
  }

  @Test("files of TLS that are no good are all told at once, each with its line")
  func certificates() async throws {
    let folder = try GatewayFolder()
    try folder.write("none", "")
    let ours = TestCertificates.ours
    let yaml = GatewaySetup(clientCertificate: "optional").yaml
    try folder.write(
      "sluice.yaml",
      yaml.replacing(ours.serverKey, with: "none").replacing(ours.server, with: "none")
        .replacing(ours.clientsCA, with: "none"))
    let checked = try await check(folder)
    #expect(checked.status == 1)
    let lines = checked.errors.split(separator: "\n").filter { !$0.hasPrefix("  hint") }
    #expect(lines.count == 3, "\(checked.errors)")
    for (line, key) in zip(lines, ["certificate", "private-key", "client-ca"]) {
      #expect(line.hasPrefix("sluice.yaml:2:") && line.contains("`\(key)`: ") && line.contains("/none"), "\(line)")
    }
  }

  @Test("what serve warns of, check warns of too, and both go on")
  func warnings() async throws {
    let folder = try GatewayFolder()
    let made = try await Program.run(
      [
        "sh", "-ec",
        """
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out request.pem -subj /CN=localhost
        openssl x509 -req -in request.pem -signkey key.pem -days -1 -out old.pem
        chmod 644 key.pem
        """,
      ], in: folder)
    try #require(made.status == 0, "\(made.errors)")
    let ours = TestCertificates.ours
    let shared = "/dev/shm/sluice-test-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: shared) }
    var setup = GatewaySetup()
    setup.more = "connections: 1000000"
    let yaml = setup.yaml.replacing(ours.serverKey, with: "key.pem").replacing(ours.server, with: "old.pem")
      .replacing("state: state", with: "state: \(shared)")
    try folder.write("sluice.yaml", yaml)
    let limited = ["sh", "-c", "ulimit -n 256; exec \"$@\"", "sh", SluiceBinary.path]
    let checked = try await Program.run(limited + ["check", "--config", "sluice.yaml"], in: folder)
    #expect(checked.status == 0 && checked.output.contains("warnings; "), "\(checked.output)")
    let words = ["the certificate expired", "every user of this machine", "in memory (tmpfs)", "file descriptors"]
    for word in words { #expect(checked.errors.contains(word), "\(word): \(checked.errors)") }
    #expect(!FileManager.default.fileExists(atPath: shared))
    let served = try Program(limited + ["serve", "--config", "sluice.yaml"], in: folder)
    #expect(await eventually { served.output.contains("listens") || !served.isRunning })
    for word in words { #expect(served.errors.contains(word), "\(word): \(served.errors)") }
    served.signal(SIGTERM)
    #expect(await served.wait().status == 0)
  }

  @Test("an address that is in use is a warning to check, since it may be the gateway's own, and the end of serve")
  func addressInUse() async throws {
    try await withGateway { gateway in
      let folder = try GatewayFolder()
      var setup = GatewaySetup()
      setup.port = gateway.port
      try folder.write("sluice.yaml", setup.yaml)
      let checked = try await check(folder)
      #expect(checked.status == 0 && checked.output.contains("good, with "), "\(checked.output)")
      #expect(checked.errors.contains("sluice.yaml:1:9: warning: `listen`: 127.0.0.1:\(gateway.port) is in use"))
      let served = try await sluice(["serve", "--config", "sluice.yaml"], in: folder)
      #expect(served.status == 1 && served.errors.contains("sluice.yaml:1:9: error: `listen`: "), "\(served.errors)")
      try await gateway.expectAtRest()
    }
  }

  @Test("folders above a store's are made, like those above the state folder")
  func missingParents() async throws {
    let folder = try GatewayFolder()
    var setup = GatewaySetup()
    setup.routes = "  /upload-file: {store: {directory: no/such/folder}}\n"
    try folder.write("sluice.yaml", setup.yaml.replacing("state: state", with: "state: nor/this/one"))
    #expect(try await check(folder).status == 0)
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/no"))
    let served = try Program([SluiceBinary.path, "serve", "--config", "sluice.yaml"], in: folder)
    #expect(await eventually { served.output.contains("listens") || !served.isRunning })
    served.signal(SIGTERM)
    #expect(await served.wait().status == 0)
    #expect(FileManager.default.fileExists(atPath: folder.path + "/no/such/folder/.partial"))
  }

  @Test(
    "one folder under two names is no folder for two routes",
    .enabled(if: try Prerequisite.isMet(geteuid() == 0, "the right to mount")))
  func sameFolder() async throws {
    let folder = try GatewayFolder()
    for name in ["one", "two"] {
      try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: false)
    }
    guard mount("\(folder.path)/one", "\(folder.path)/two", nil, UInt(MS_BIND), nil) == 0 else { return }
    defer { umount2("\(folder.path)/two", Int32(MNT_DETACH)) }
    var setup = GatewaySetup()
    setup.routes = "  /a: {store: {directory: one}}\n  /b: {store: {directory: two}}\n"
    try folder.write("sluice.yaml", setup.yaml)
    let checked = try await check(folder)
    #expect(checked.status == 1 && checked.errors.contains("would store into the folder of `/a`"), "\(checked.errors)")
  }

  @Test("an IPv6 address is said in brackets", .enabled(if: try Prerequisite.isMet(PreparationTests.hasIPv6, "::1")))
  func brackets() async throws {
    let folder = try GatewayFolder()
    try folder.write("sluice.yaml", GatewaySetup().yaml.replacing("127.0.0.1:0", with: "\"[::1]:0\""))
    let served = try Program([SluiceBinary.path, "serve", "--config", "sluice.yaml"], in: folder)
    #expect(await eventually { served.output.contains("listens") || !served.isRunning })
    #expect(served.output.hasPrefix("sluice listens on [::1]:"), "\(served.output) \(served.errors)")
  }

  static let hasIPv6 = AddressProbe.look(at: Listener(.address(ListenAddress(host: "::1", port: 0)))) == .free

  @Test("file descriptors are counted for the gateway itself and for each connection")
  func descriptors() throws {
    var setup = GatewaySetup()
    setup.more = "connections: 100"
    let folder = try GatewayFolder()
    let configuration = try setup.configuration(in: folder)
    let plan = DescriptorPlan(configuration, limit: 1000, foreign: 8)
    #expect(plan.affordable == (1000 - plan.own) / 2 && plan.needed(for: 100) == plan.own + 200)
    let enough = try Preparation(configuration, descriptorLimit: plan.needed(for: 100), descriptorsInUse: 8)
    let line = 7
    #expect(!enough.warnings.contains { $0.line == line } && enough.connections == 100)
    let few = try Preparation(configuration, descriptorLimit: 100, descriptorsInUse: 8)
    #expect(few.warnings.contains { $0.line == line } && few.connections < 100, "\(few.warnings)")
    #expect(throws: ConfigurationFaults.self) {
      try Preparation(configuration, descriptorLimit: 30, descriptorsInUse: 8)
    }
  }
}
