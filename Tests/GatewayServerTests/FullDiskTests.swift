import Foundation
import Glibc
import Ledgers
import NIOCore
import TestPrerequisites
import Testing
import XStream
import XStreamClient

/// A store without room.
@Suite(.timeLimit(.minutes(1))) struct FullDiskTests {
  @Test(
    "a full disk is status 11 with what is safe, and the upload goes on when there is room",
    .enabled(if: try Prerequisite.isMet(ReadOnlyDisk.canBeMade, "the right to mount")))
  func full() async throws {
    let folder = try GatewayFolder()
    try FileManager.default.createDirectory(atPath: folder.uploads, withIntermediateDirectories: false)
    try #require(mount("none", folder.uploads, "tmpfs", 0, "size=4m") == 0)
    defer { umount2(folder.uploads, Int32(MNT_DETACH)) }
    var setup = GatewaySetup()
    setup.routes = "  /upload-file: {store: {directory: uploads, min-free: 256 KiB}, client-limits: {room: 100%}}\n"
    try await withGateway(setup, in: folder) { gateway in
      let bytes = pattern(6 << 20)
      let (client, url) = (try UploadClient.test(), try gateway.url())
      var error = await failure { try await client.upload(.bytes(bytes), to: url, options: .once) }
      // A part of what is left is offered, and a part of the rest, as long as there is any.
      while error?.status == .partial, let point = error?.resumePoint {
        error = await failure {
          var options = UploadOptions.once
          options.resume = point
          return try await client.upload(.bytes(bytes), to: url, options: options)
        }
      }
      #expect(error?.status == .storage && error?.isWorthAnotherTry == true, "\(String(describing: error))")
      let point = try #require(error?.resumePoint)
      try folder.expectSound(unfinished: 1)
      #expect(mount("none", folder.uploads, "tmpfs", UInt(MS_REMOUNT), "size=16m") == 0)
      let outcome = try await client.upload(.bytes(bytes), to: url, options: .quick { $0.resume = point })
      #expect(outcome.key.stream == point.key)
      #expect(try folder.stored(outcome.key.text) == bytes)
      try await gateway.expectAtRest()
    }
  }

  /// Two routes and the ledger on one disk, all of which one client may have unless `terms` say otherwise.
  private func withDisk(
    _ terms: String = "client-limits: {room: 100%}", minFree: String = "5 MiB", mebibytes: Int = 100,
    _ body: (GatewayFolder, GatewaySetup) async throws -> Void
  ) async throws {
    let folder = try GatewayFolder()
    let disk = folder.path + "/disk"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
    try #require(mount("none", disk, "tmpfs", 0, "size=\(mebibytes)m") == 0)
    defer { umount2(disk, Int32(MNT_DETACH)) }
    var setup = GatewaySetup()
    setup.state = "disk/state"
    setup.routes = """
        /upload-file: {store: {directory: disk/a, min-free: \(minFree)}, \(terms)}
        /other: {store: {directory: disk/b, gzip: 6, min-free: \(minFree)}, \(terms)}

      """
    try await body(folder, setup)
  }

  private func free(_ folder: GatewayFolder) -> Int {
    var status = statvfs()
    return statvfs(folder.path + "/disk", &status) == 0 ? Int(status.f_bavail) * Int(status.f_frsize) : 0
  }

  @Test(
    "a client that announces more than the disk has and sends nothing takes nothing from others, there or gone",
    .enabled(if: try Prerequisite.isMet(ReadOnlyDisk.canBeMade, "the right to mount")))
  func announced() async throws {
    try await withDisk { folder, setup in
      try await withGateway(setup, in: folder) { gateway in
        let before = free(folder)
        var greedy: [RawClient] = []
        var keys: [String] = []
        for total in ["100000000000", "*", "100000000000"] {
          let client = try await RawClient.connect(gateway.port)
          try await client.open(total: total)
          keys.append(try #require(await client.packet()?["x-stream-key"]))
          greedy.append(client)
        }
        #expect(before - free(folder) < 2 << 20)
        let client = try UploadClient.test()
        for route in ["/upload-file", "/other"] {
          _ = try await client.upload(.bytes(pattern(1 << 20)), to: gateway.url(route), options: .once)
        }
        for client in greedy { try await client.drop() }
        #expect(await eventually { gateway.attached == 0 })
        _ = try await client.upload(.bytes(pattern(60 << 20)), to: gateway.url(), options: .once)
        #expect(free(folder) > before - 64 << 20)
        for key in keys {
          let key = try #require(StreamKey(key))
          try await client.giveUp(key, at: gateway.url())
        }
      }
    }
  }

  @Test(
    "streams of unknown length leave room for each other and for those of known length",
    .enabled(if: try Prerequisite.isMet(ReadOnlyDisk.canBeMade, "the right to mount")))
  func unknownLengths() async throws {
    try await withDisk { folder, setup in
      try await withGateway(setup, in: folder) { gateway in
        let client = try UploadClient.test()
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<6 {
            group.addTask {
              for _ in 0..<10 {
                let raw = try await RawClient.connect(gateway.port)
                try await raw.open(total: "*", route: number % 2 == 0 ? "/upload-file" : "/other")
                #expect(await raw.packet()?["x-stream-key"] != nil)
                try await raw.drop()
              }
            }
          }
          for size in [2000, 300_000, 1 << 20] {
            group.addTask {
              for _ in 0..<4 {
                do {
                  _ = try await client.upload(.bytes(pattern(size)), to: gateway.url(), options: .once)
                } catch let error as UploadError where "\(error)".contains("took a part only") {
                  // With six streams at the same moment there may be room for a part alone, and that is no full store.
                }
              }
            }
          }
          try await group.waitForAll()
        }
      }
    }
  }

  /// Opens a stream of unknown length with a client's token.
  private func open(_ token: Token, _ gateway: GatewayUnderTest, key: String? = nil) async throws -> RawClient {
    let client = try await RawClient.connect(gateway.port)
    let more = key.map { "    x-stream-key: \($0)\n" } ?? ""
    try await client.send(
      """
      headers:
          route: /upload-file
          data-format: bytes
          x-stream: *:65536
          authorization: Bearer \(token.secret)
      \(more)payload: -

      """)
    return client
  }

  @Test(
    "four streams of unknown length at once all get in, grow side by side, and are whole",
    .enabled(if: try Prerequisite.isMet(ReadOnlyDisk.canBeMade, "the right to mount")))
  func fourAtOnce() async throws {
    try await withDisk("access: {tokens: tokens}, client-limits: {room: 50%}", mebibytes: 200) { folder, setup in
      try await withGateway(setup, in: folder) { gateway in
        var clients: [RawClient] = []
        for token in [Token.alice, .bob, .alice, .bob] { clients.append(try await open(token, gateway)) }
        for client in clients {
          let offer = try #require(await client.packet())
          #expect(offer["x-stream-key"] != nil, "\(offer)")
        }
        let bytes = pattern(18 << 20)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for client in clients {
            group.addTask {
              try await client.send(bytes)
              client.finish()
              let final = try #require(await client.answer())
              #expect(final.headers["status"] == "0", "\(final)")
            }
          }
          try await group.waitForAll()
        }
        #expect(free(folder) < 128 << 20)
      }
    }
  }

  @Test(
    "a stream that outgrows its client's share is told so in words, keeps what is safe, and keeps nobody out",
    .enabled(if: try Prerequisite.isMet(ReadOnlyDisk.canBeMade, "the right to mount")))
  func outgrows() async throws {
    try await withDisk("access: {tokens: tokens}", minFree: "4 MiB") { folder, setup in
      try await withGateway(setup, in: folder) { gateway in
        let share = (free(folder) - 4 << 20) / 4
        let greedy = try await open(.alice, gateway)
        let offer = try #require(await greedy.packet())
        let key = try #require(offer["x-stream-key"])
        greedy.push(pattern(60 << 20))
        let final = try #require(await greedy.answer())
        #expect(final.headers["status"] == "7", "\(final)")
        #expect(final.headers["reason"] == "your unfinished streams hold their share of the store's room")
        let safe = try #require(final.headers["x-stream-offset"].flatMap { Int($0) })
        #expect(safe > share - 1 << 20 && safe <= share, "\(safe) of \(share)")
        #expect(try LedgerReader(path: folder.path + "/disk/state/ledger.sqlite").violations() == [])
        // Gone or not, it is all that the client may have.
        try await greedy.drop()
        let again = try await open(.alice, gateway)
        let refusal = try #require(await again.packet())
        #expect(refusal["status"] == "7" && refusal["x-stream"] == "-1", "\(refusal)")
        let other = try UploadClient.test(token: Token.bob.secret)
        _ = try await other.upload(.bytes(pattern(12 << 20)), to: gateway.url(), options: .once)
        // What is safe can still be ended.
        let last = try await open(.alice, gateway, key: key)
        let ending = try #require(await last.packet())
        #expect(ending["status"] == "7" || ending["x-stream-offset"] == "\(safe)", "\(ending)")
        try await last.drop()
        let client = try UploadClient.test(token: Token.alice.secret)
        try await client.giveUp(try #require(StreamKey(key)), at: gateway.url())
        _ = try await client.upload(.bytes(pattern(12 << 20)), to: gateway.url(), options: .once)
      }
    }
  }

  @Test(
    "uploads that fill a disk between them go on after a restart, both at once",
    .enabled(if: try Prerequisite.isMet(ReadOnlyDisk.canBeMade, "the right to mount")))
  func restart() async throws {
    try await withDisk { folder, setup in
      let total = 32 << 20
      var keys: [String] = []
      try await withGateway(setup, in: folder) { gateway in
        var clients: [RawClient] = []
        for _ in 0..<2 {
          let client = try await RawClient.connect(gateway.port)
          try await client.open(total: "\(total)", ack: 1)
          let offer = try #require(await client.packet())
          #expect(offer["x-stream"]?.hasPrefix("0:") == true)
          keys.append(try #require(offer["x-stream-key"]))
          try await client.send(pattern(2 << 20))
          var safe: String?
          while safe != "\(2 << 20)" { safe = try #require(await client.packet())["x-stream-offset"] }
          clients.append(client)
        }
      }
      try await withGateway(setup, in: folder) { gateway in
        var clients: [RawClient] = []
        for key in keys {
          let client = try await RawClient.connect(gateway.port)
          try await client.open(total: "\(total)", key: key)
          let offer = try #require(await client.packet())
          #expect(offer["x-stream"]?.hasPrefix("0:") == true && offer["x-stream-offset"] == "\(2 << 20)", "\(offer)")
          clients.append(client)
        }
        for client in clients {
          try await client.send(pattern(total - 2 << 20))
          let answer = try #require(await client.answer())
          #expect(answer.headers["status"] == "0")
        }
        #expect(free(folder) > 10 << 20)
      }
    }
  }
}
