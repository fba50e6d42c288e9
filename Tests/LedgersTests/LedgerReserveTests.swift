import Foundation
import GatewayCore
import NIOCore
@testable import Ledgers
import TestPrerequisites
import Testing

@Suite("The embedded ledger on a full disk", .timeLimit(.minutes(2)))
struct LedgerReserveTests {
  @Test(
    "begins nothing and ends everything, however often it is started anew and whoever takes what it frees",
    .enabled(if: try Prerequisite.isMet(ImageDisk.canBeMade, "root, to mount an image")), arguments: ["ext4", "xfs"])
  func endsUploads(system: String) async throws {
    let disk = try ImageDisk(system)
    defer { disk.remove() }
    let notices = Notices()
    let path = disk.path + "/ledger.db"
    var ledger = try EmbeddedLedger(path: path) { notices.append($0) }
    defer { ledger.close() }
    var uploads = (0..<300).map { _ in Self.upload(100) }
    for upload in uploads { _ = try await ledger.opened(upload) }
    let done = uploads.removeLast()
    try await ledger.completed(done.key, size: 100)
    #expect(notices.taken() == [])
    disk.fill()
    try await beginUntilFull(ledger)
    #expect(notices.taken() == [.full(path: path)])
    for (number, upload) in uploads.enumerated() {
      // Neither a whole log, which is moved into the database several times, nor a start finds more room than there was.
      for step in 0..<2 { try await ledger.advanced(upload.key, from: Int64(step), to: Int64(step + 1)) }
      disk.fill()
      let digest = ContentDigest(bytes: Array(repeating: UInt8(number % 256), count: 32))
      switch number % 4 {
      case 0: try await ledger.completed(upload.key, size: 100, digest: digest)
      case 1: try await ledger.failed(upload.key)
      case 2: try await ledger.released(upload.key)
      default: #expect(try await ledger.tookOver(.of(upload.key, wanted: 100, digest: digest)).granted == 100)
      }
      if number % 100 == 99 {
        try await beginUntilFull(ledger)
        ledger.close()
        disk.fill()
        ledger = try EmbeddedLedger(path: path) { notices.append($0) }
      }
    }
    try await ledger.forgotten(done.key)
    try await ledger.dropWindows(before: WallTime(milliseconds: 1), on: anyLoop).get()
    try await beginUntilFull(ledger)
    for upload in try await ledger.allUnfinished() { try await ledger.released(upload.key, epoch: upload.epoch) }
    _ = notices.taken()
    disk.empty()
    // A file system may take its time to give back what was removed.
    while (try? await ledger.opened(Self.upload(1))) == nil { try await Task.sleep(for: .milliseconds(20)) }
    if let last = notices.taken().last { #expect(last == .roomAgain(path: path)) }
    ledger.close()
    #expect(try auditViolations(path: path) == [])
  }

  private static func upload(_ total: Int64) -> Reservation {
    .of(total, quotas: [.route(1 << 40)], unfinishedLimit: .max)
  }

  /// New uploads are taken as long as that leaves the reserve alone.
  private func beginUntilFull(_ ledger: EmbeddedLedger) async throws {
    for _ in 0..<100 {
      let calls = (0..<200).map { _ in ledger.open(Self.upload(1), on: anyLoop) }
      for call in calls {
        do {
          _ = try await call.get()
        } catch LedgerError.engine(let words) {
          #expect(words.contains("full"))
          for call in calls { _ = try? await call.get() }
          return
        }
      }
    }
    Issue.record("the ledger takes no notice of the disk")
  }

  @Test(
    "starts there after it was killed, and ends what was begun",
    .enabled(if: try Prerequisite.isMet(ImageDisk.canBeMade, "root, to mount an image")))
  func startsAfterKill() async throws {
    let disk = try ImageDisk("ext4")
    defer { disk.remove() }
    let path = disk.path + "/ledger.db"
    let key = UploadKey.mint()
    let text = key.text
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, text = text as String] in
      let ledger = try EmbeddedLedger(path: path)
      let key = try #require(UploadKey(text))
      _ = try await ledger.opened(.of(1000, key: key))
      try await ledger.advanced(key, from: 0, to: 1)
      kill(getpid(), SIGKILL)
    }
    disk.fill()
    // The first pages of SQLite's shared memory are made anew at a start, and nobody has left room for them.
    try FileManager.default.removeItem(atPath: path + "-shm")
    disk.fill()
    let ledger = try EmbeddedLedger(path: path)
    defer { ledger.close() }
    disk.fill()
    #expect(try await ledger.found(key)?.committed == 1)
    try await ledger.released(key)
  }

  @Test("holds room that is truly on the disk, and gives it to the next start")
  func reserves() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      for _ in 0..<2 {
        let ledger = try EmbeddedLedger(path: path)
        _ = try await ledger.opened(.of(1))
        for suffix in ["-wal", ".reserve"] { #expect(blocks(path + suffix) >= 1 << 20) }
        ledger.close()
        #expect(blocks(path + "-wal") >= 4 << 20)
        // All of it is in the database: who copies that alone has the ledger.
        #expect(try fileSize(path + "-wal") == 0)
      }
    }
  }

  private func blocks(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_blocks) * 512 : -1
  }
}
