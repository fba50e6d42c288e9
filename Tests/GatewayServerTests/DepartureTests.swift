import Foundation
import GatewayCore
import Ledgers
import NIOCore
import Testing
import XStream
import XStreamClient

@testable import GatewayServer

/// What becomes of files once they have come in.
@Suite(.timeLimit(.minutes(1))) struct DepartureTests {
  private func setup(_ more: String, name: String = "{key}") -> GatewaySetup {
    var setup = GatewaySetup()
    setup.routes = "  /upload-file: {store: {directory: uploads, metadata: sidecar, name: \"\(name)\"}, \(more)}\n"
    return setup
  }

  private func upload(_ count: Int, to gateway: GatewayUnderTest, name: String? = nil) async throws -> [UploadHandle] {
    let client = try UploadClient.test()
    var keys: [UploadHandle] = []
    for _ in 0..<count {
      var options = UploadOptions.quick()
      options.name = name.flatMap { StreamName(label: $0) }
      keys.append(try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: options).key)
    }
    return keys
  }

  private func used(_ folder: GatewayFolder) throws -> Int64 {
    try LedgerReader(path: folder.ledger).quotas().reduce(0) { $0 + $1.used }
  }

  private func files(_ folder: GatewayFolder) -> [String] {
    (FileManager.default.enumerator(atPath: folder.uploads)?.allObjects as? [String] ?? [])
      .filter { !$0.contains(".partial") && !$0.hasSuffix(".json") }
      .filter {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: folder.uploads + "/" + $0, isDirectory: &isFolder)
          && !isFolder.boolValue
      }
  }

  @Test(
    "a file that is removed or moved away counts no more, and its upload is still complete to its client",
    arguments: ["{key}", "{date}/{name}-{key}"])
  func takenAway(name: String) async throws {
    try await withGateway(setup("resume-for: 1h", name: name)) { gateway in
      let keys = try await upload(3, to: gateway, name: "a report.csv")
      let folder = gateway.folder
      #expect(try used(folder) == 3000)
      let found = files(folder)
      #expect(found.count == 3)
      func path(of key: UploadHandle) throws -> String {
        folder.uploads + "/" + (try #require(found.first { $0.contains(key.text) }))
      }
      try FileManager.default.removeItem(atPath: path(of: keys[0]))
      try FileManager.default.moveItem(atPath: path(of: keys[1]), toPath: folder.path + "/taken")
      #expect(try await eventually { try used(folder) == 1000 })
      let position = try await UploadClient.test().ask(keys[0], total: 1000, at: gateway.url())
      #expect(position.isComplete)
      try folder.expectSoundBooks()
      let account = try LedgerAccount(state: LedgerFolder(path: folder.path + "/state"))
      #expect(account.uploads.count { $0.isGone == true } == 2)
    }
  }

  @Test("a file that is taken away while the gateway is down is noticed at its next start")
  func takenWhileDown() async throws {
    let folder = try GatewayFolder()
    let setup = setup("resume-for: 1h")
    try await withGateway(setup, in: folder) { gateway in _ = try await upload(3, to: gateway) }
    for name in files(folder).prefix(2) { try FileManager.default.removeItem(atPath: folder.uploads + "/" + name) }
    try await withGateway(setup, in: folder) { _ in
      let isNoticed = try await eventually { try used(folder) == 1000 }
      #expect(isNoticed)
    }
  }

  @Test("a file that is older than `keep` goes with its sidecar, and after `remember` its key is unknown")
  func keepsAndForgets() async throws {
    try await withGateway(setup("resume-for: 1s, keep: 1s, remember: 3s")) { gateway in
      let key = try #require(try await upload(1, to: gateway).first)
      let folder = gateway.folder
      #expect(try await eventually { try used(folder) == 0 && folder.names(in: folder.uploads).isEmpty })
      let reader = try LedgerReader(path: folder.ledger)
      #expect(try await eventually { try reader.uploads().isEmpty })
      await #expect(throws: UploadError.self) {
        _ = try await UploadClient.test().ask(key, total: 1000, at: gateway.url())
      }
      try folder.expectSoundBooks()
    }
  }

  @Test("the example consumer takes each of many uploads once, with its sidecar, also while they come")
  func exampleConsumer() async throws {
    try await withGateway(setup("resume-for: 1h", name: "{date}/{key}")) { gateway in
      let folder = gateway.folder
      let early = try await upload(5, to: gateway)
      let program = RepositoryFile.url("deploy/examples/consume.py").path
      let consumer = Process()
      consumer.executableURL = URL(filePath: "/usr/bin/env")
      consumer.arguments = ["python3", program, folder.uploads, folder.path + "/inbox"]
      let output = Pipe()
      consumer.standardOutput = output
      try consumer.run()
      defer { consumer.terminate() }
      var keys = early
      try await withThrowingTaskGroup(of: [UploadHandle].self) { group in
        for _ in 0..<4 { group.addTask { try await upload(25, to: gateway) } }
        for try await more in group { keys += more }
      }
      #expect(try await eventually { try used(folder) == 0 })
      #expect(files(folder).isEmpty)
      let inbox = (FileManager.default.enumerator(atPath: folder.path + "/inbox")?.allObjects as? [String] ?? [])
        .filter { $0.contains("/") }
      #expect(inbox.count == 2 * keys.count)
      for key in keys {
        #expect(inbox.contains { $0.hasSuffix(key.text) } && inbox.contains { $0.hasSuffix(key.text + ".json") })
      }
      consumer.terminate()
      let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      #expect(said.split(separator: "\n").count == keys.count)
    }
  }
}

extension GatewayFolder {
  /// The ledger agrees with itself.
  fileprivate func expectSoundBooks(sourceLocation: SourceLocation = #_sourceLocation) throws {
    #expect(try LedgerReader(path: ledger).violations() == [], sourceLocation: sourceLocation)
  }
}
