import Foundation
import GatewayCore
import Ledgers
import NIOCore
import Testing
import XStream
import XStreamClient

/// Disks that are not mounted, and folders that vanish: nothing of an upload is lost by them.
@Suite(.timeLimit(.minutes(1))) struct StoreIdentityTests {
  private let files = FileManager.default

  private var setup: GatewaySetup {
    GatewaySetup(
      routes: """
          /upload-file: {store: {directory: disk/uploads}}
          /compressed: {store: {directory: disk/compressed, gzip: 6, name: "{date}/{key}", metadata: sidecar}}

        """)
  }

  /// A gateway that was killed with an upload of which half is safe, and one that is complete.
  private func interrupted(_ gateway: GatewayProcess) async throws -> String {
    try await gateway.start()
    _ = try await UploadClient.test().upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
    let client = try await RawClient.connect(gateway.port)
    try await client.open(total: "200000", ack: 1)
    let key = try #require(await client.packet()?["x-stream-key"])
    try await client.send(pattern(100_000))
    while let progress = await client.packet(), progress["x-stream-offset"] != "100000" {}
    await gateway.kill()
    return key
  }

  private func folder() throws -> GatewayFolder {
    let folder = try GatewayFolder()
    try files.createDirectory(atPath: folder.path + "/disk", withIntermediateDirectories: false)
    return folder
  }

  /// What a start says that must fail and change nothing.
  private func failingStart(_ gateway: GatewayProcess) async throws -> String {
    let result = try await sluice(
      ["serve", "--config", gateway.folder.path + "/sluice.yaml"], in: gateway.folder)
    #expect(result.status == 1 && result.output.isEmpty, "\(result.output)")
    return result.errors
  }

  private func finish(_ key: String, at gateway: GatewayProcess) async throws {
    let client = try await RawClient.connect(gateway.port)
    try await client.open(total: "200000", key: key)
    #expect(await client.packet()?["x-stream-offset"] == "100000")
    var rest = pattern(200_000)
    rest.moveReaderIndex(forwardBy: 100_000)
    try await client.send(rest)
    #expect(await client.answer()?.headers["status"] == "0")
  }

  @Test("a start without the stores' disk is an error with words for each, and with the disk back all goes on")
  func diskAway() async throws {
    let folder = try folder()
    let gateway = try GatewayProcess(setup, in: folder)
    let key = try await interrupted(gateway)
    try files.moveItem(atPath: folder.path + "/disk", toPath: folder.path + "/unmounted")
    for isMountPoint in [false, true] {
      if isMountPoint {
        for path in ["/disk", "/disk/uploads"] {
          try files.createDirectory(atPath: folder.path + path, withIntermediateDirectories: false)
        }
      } else {
        try files.createDirectory(atPath: folder.path + "/disk", withIntermediateDirectories: false)
      }
      let said = try await failingStart(gateway)
      for word in ["/upload-file", "/compressed", "disk/uploads", "Mount its disk", "sluice store adopt"] {
        #expect(said.contains(word), "\(said)")
      }
      for command in [["quota", "rescan"], ["check", "--ledger"]] {
        let result = try await sluice(command + ["--config", folder.path + "/sluice.yaml"], in: folder)
        #expect(result.status == 1 && result.errors.contains("Mount its disk"), "\(result.output) \(result.errors)")
      }
      let left = try files.subpathsOfDirectory(atPath: folder.path + "/disk")
      #expect(left == (isMountPoint ? ["uploads"] : []))
      if !isMountPoint { try files.removeItem(atPath: folder.path + "/disk") }
    }
    #expect(try LedgerReader(path: folder.ledger).uploads(state: nil, route: nil).count == 2)
    try files.removeItem(atPath: folder.path + "/disk")
    try files.moveItem(atPath: folder.path + "/unmounted", toPath: folder.path + "/disk")
    try await gateway.start()
    try await finish(key, at: gateway)
    await gateway.kill()
  }

  @Test("a start without the ledger's disk is an error with words, removes no byte, and leaves no ledger")
  func ledgerAway() async throws {
    let folder = try folder()
    let gateway = try GatewayProcess(setup, in: folder)
    let key = try await interrupted(gateway)
    try files.moveItem(atPath: folder.path + "/state", toPath: folder.path + "/unmounted")
    for _ in 0..<2 {
      let said = try await failingStart(gateway)
      for word in [folder.path + "/state/ledger.sqlite", "`state`", "/upload-file"] {
        #expect(said.contains(word), "\(said)")
      }
    }
    #expect(!files.fileExists(atPath: folder.path + "/state"))
    #expect(files.fileExists(atPath: folder.path + "/disk/uploads/.partial/" + key))
    // Nor does one of another gateway do.
    try await withGateway(in: GatewayFolder()) { other in
      try files.createDirectory(atPath: folder.path + "/state", withIntermediateDirectories: false)
      for end in ["", "-wal"] { try files.copyItem(atPath: other.folder.ledger + end, toPath: folder.ledger + end) }
    }
    #expect(try await failingStart(gateway).contains("another ledger"))
    #expect(files.fileExists(atPath: folder.path + "/disk/uploads/.partial/" + key))
    try files.removeItem(atPath: folder.path + "/state")
    try files.moveItem(atPath: folder.path + "/unmounted", toPath: folder.path + "/state")
    try await gateway.start()
    try await finish(key, at: gateway)
    await gateway.kill()
  }

  @Test("a store that is really gone is given up by a word of its own, and what was safe in it is told and kept")
  func adopts() async throws {
    let folder = try folder()
    let gateway = try GatewayProcess(setup, in: folder)
    let key = try await interrupted(gateway)
    try files.removeItem(atPath: folder.path + "/disk/uploads")
    _ = try await failingStart(gateway)
    let config = folder.path + "/sluice.yaml"
    let unknown = try await sluice(["store", "adopt", "--route", "/nowhere", "--config", config], in: folder)
    #expect(unknown.status == 1 && unknown.errors.contains("/compressed"), "\(unknown.errors)")
    let adopted = try await sluice(["store", "adopt", "--route", "/upload-file", "--config", config], in: folder)
    #expect(adopted.status == 0 && adopted.output.contains("1 unfinished upload(s)"), "\(adopted.errors)")
    let again = try await sluice(["store", "adopt", "--route", "/upload-file", "--config", config], in: folder)
    #expect(again.status == 0 && again.output.contains("already"))
    try await gateway.start()
    #expect(gateway.log.contains("Upload cannot go on") && gateway.log.contains(key.prefix(12)))
    #expect(!gateway.log.contains(key))
    let client = try await RawClient.connect(gateway.port)
    try await client.open(total: "200000", key: key)
    #expect(await client.answer()?.headers["status"] == "11")
    #expect(try LedgerReader(path: folder.ledger).uploads(state: .open, route: nil).map(\.committed) == [100_000])
    _ = try await UploadClient.test().upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
    await gateway.kill()
  }

  @Test("what recovery removes is said, each with its reason and no whole key")
  func saysWhatItRemoves() async throws {
    let folder = try folder()
    let gateway = try GatewayProcess(setup, in: folder)
    _ = try await interrupted(gateway)
    let stray = UploadKey.mint()
    try folder.write("disk/uploads/.partial/\(stray.text)", "remains")
    try await gateway.start()
    #expect(gateway.log.contains("File removed from the store"))
    #expect(gateway.log.contains("no unfinished upload of that key"))
    #expect(gateway.log.contains(stray.logID) && !gateway.log.contains(stray.text))
    await gateway.kill()
  }

  @Test("a store that vanishes under the gateway takes nothing until it is back, and each is said once")
  func vanishes() async throws {
    try await withGateway { gateway in
      let client = try UploadClient.test()
      let (uploads, elsewhere) = (gateway.folder.uploads, gateway.folder.path + "/elsewhere")
      _ = try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      try files.moveItem(atPath: uploads, toPath: elsewhere)
      for _ in 0..<2 {
        let refused = await failure {
          try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: .once)
        }
        #expect(refused?.status == .storage)
      }
      try files.createDirectory(atPath: uploads, withIntermediateDirectories: false)
      let refused = await failure { try await client.upload(.bytes(pattern(0)), to: gateway.url(), options: .once) }
      #expect(refused?.status == .storage)
      #expect(try files.contentsOfDirectory(atPath: uploads) == [])
      try files.removeItem(atPath: uploads)
      try files.moveItem(atPath: elsewhere, toPath: uploads)
      _ = try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      #expect(gateway.log.lines("Store is not in its place: nothing is taken").count == 1)
      #expect(gateway.log.lines("Store is in its place again").count == 1)
      try await gateway.expectAtRest(unfinished: nil)
    }
  }
}
