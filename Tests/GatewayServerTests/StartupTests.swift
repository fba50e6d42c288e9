import Foundation
import Glibc
import NIOCore
import TestPrerequisites
import Testing
import XStreamClient

@testable import GatewayServer

/// What keeps a gateway from starting is named, and goes with exit status 1.
@Suite(.timeLimit(.minutes(1))) struct StartupTests {
  /// Starts a gateway that must not start.
  private func failure(_ yaml: String, in folder: GatewayFolder) async throws -> String {
    let path = try folder.write("failing.yaml", yaml)
    let result = try await sluice(["serve", "--config", path], in: folder)
    #expect(result.status == 1 && result.output.isEmpty, "\(result.output)")
    return result.errors
  }

  @Test("a certificate that is missing, and a key that belongs to another one, are named")
  func certificates() async throws {
    let folder = try GatewayFolder()
    let (ours, strangers) = (TestCertificates.ours, TestCertificates.strangers)
    let yaml = GatewaySetup().yaml
    let missing = try await failure(yaml.replacing(ours.server, with: "nowhere.pem"), in: folder)
    #expect(missing.contains("nowhere.pem") && missing.contains("failing.yaml:2:"))
    let mismatch = try await failure(yaml.replacing(ours.serverKey, with: strangers.serverKey), in: folder)
    #expect(mismatch.contains(strangers.serverKey), "\(mismatch)")
    let swapped = try await failure(yaml.replacing(ours.server, with: ours.serverKey), in: folder)
    #expect(swapped.contains(ours.serverKey), "\(swapped)")
    // The same faults without a start.
    try folder.write("failing.yaml", yaml.replacing(ours.serverKey, with: strangers.serverKey))
    let checked = try await sluice(["check", "--config", folder.path + "/failing.yaml"], in: folder)
    #expect(checked.status == 1 && checked.errors.contains(strangers.serverKey), "\(checked.errors)")
  }

  @Test("a port that is in use is named, and nothing of the attempt is left")
  func portInUse() async throws {
    try await withGateway { gateway in
      let folder = try GatewayFolder()
      var setup = GatewaySetup()
      setup.port = gateway.port
      let said = try await failure(setup.yaml, in: folder)
      #expect(said.contains("127.0.0.1:\(gateway.port)") && said.contains("in use"), "\(said)")
      // The folders are free for the next attempt.
      try await withGateway(in: folder) { try await $0.expectAtRest() }
    }
  }

  @Test("a second gateway on the same state is refused, and does not disturb the first")
  func sameState() async throws {
    try await withGateway { gateway in
      let said = try await failure(GatewaySetup().yaml, in: gateway.folder)
      #expect(said.contains("ledger.sqlite"), "\(said)")
      #expect(said.contains("another") || said.contains("in use"), "\(said)")
      try await gateway.expectAtRest()
    }
  }

  @Test("a second gateway on the same store is refused, and does not sweep the first one's uploads")
  func sameStore() async throws {
    try await withGateway { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "10")
      #expect(await client.packet() != nil)
      let said = try await failure(
        GatewaySetup().yaml.replacing("state: state", with: "state: other-state"), in: gateway.folder)
      #expect(said.contains("uploads") && said.contains("belongs to another ledger"), "\(said)")
      try await client.send("0123456789")
      #expect(await client.answer()?.headers["status"] == "0")
      client.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test(
    "a folder that cannot be written is named",
    .enabled(if: try Prerequisite.isMet(ReadOnlyDisk.canBeMade, "the right to mount")))
  func readOnlyStore() async throws {
    let folder = try GatewayFolder()
    let disk = try #require(ReadOnlyDisk(at: folder.uploads))
    defer { disk.remove() }
    let said = try await failure(GatewaySetup().yaml, in: folder)
    #expect(said.contains(folder.uploads) && said.lowercased().contains("read-only"), "\(said)")
  }

  @Test("a ledger that is none is left alone and named")
  func foreignLedger() async throws {
    let folder = try GatewayFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/state", withIntermediateDirectories: true)
    let file = try folder.write("state/ledger.sqlite", "somebody's letters")
    let said = try await failure(GatewaySetup().yaml, in: folder)
    #expect(said.contains(file), "\(said)")
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "somebody's letters")
  }

  @Test("without a configuration it makes its certificate and says how to try it")
  func embeddedDefault() async throws {
    let folder = try GatewayFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/certs", withIntermediateDirectories: false)
    try FileManager.default.copyItem(
      at: RepositoryFile.url("certs/make"), to: URL(filePath: folder.path + "/certs/make"))
    let program = try Program([SluiceBinary.path, "serve"], in: folder)
    #expect(await eventually { program.output.contains("try: sluice send") || !program.isRunning })
    guard program.isRunning else {
      // Its port is a fixed one, which somebody else may have.
      #expect(program.errors.contains("in use"), "\(program.errors)")
      return
    }
    let file = try folder.write("file", "first try")
    let sent = try await sluice(
      ["send", "--ca", folder.path + "/certs/dev/ca.pem", file, "xstream://localhost/upload-file"], in: folder)
    #expect(sent.status == 0, "\(sent.errors)")
    program.signal(SIGTERM)
    #expect(await program.wait().status == 0)
  }
}

/// A file system that nobody may write to, not even the superuser.
struct ReadOnlyDisk {
  let path: String

  init?(at path: String) {
    self.path = path
    guard mkdir(path, 0o700) == 0 else { return nil }
    guard mount("none", path, "tmpfs", UInt(MS_RDONLY), "size=64k") == 0 else {
      rmdir(path)
      return nil
    }
  }

  func remove() {
    umount2(path, Int32(MNT_DETACH))
    rmdir(path)
  }

  static let canBeMade: Bool = {
    guard let disk = ReadOnlyDisk(at: NSTemporaryDirectory() + "sluice-read-only-" + UUID().uuidString) else {
      return false
    }
    disk.remove()
    return true
  }()
}
