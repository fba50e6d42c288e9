import Foundation
import GatewayCore
@testable import Ledgers
import NIOCore
import TestPrerequisites
import Testing

@Suite("The embedded ledger, when its engine fails")
struct EmbeddedFailureTests {
  @Test("Calls that wait together do not touch each other")
  func isolatesCalls() async throws {
    try await withTemporaryDirectory { directory in
      let ledger = try EmbeddedLedger(path: directory + "/ledger.db")
      defer { ledger.close() }
      let known = Reservation.of(1)
      _ = try await ledger.opened(known)
      let calls = (0..<300).map { number in
        switch number % 3 {
        case 0: ledger.open(.of(10, quotas: [.route(251)]), on: anyLoop)
        case 1: ledger.open(.of(10, key: known.key, quotas: [.route(251)]), on: anyLoop)
        default: ledger.open(.of(1000, quotas: [.route(251)]), on: anyLoop)
        }
      }
      var opened = 0
      for (number, call) in calls.enumerated() {
        do {
          _ = try await call.get()
          opened += 1
          #expect(number % 3 == 0)
        } catch LedgerError.engine(let words) {
          #expect(number % 3 == 1)
          #expect(words.contains("UNIQUE"))
        } catch LedgerError.quota {
          // A known key that finds no quota left is refused for that.
          #expect(number % 3 == 2 || number > 72)
        }
      }
      #expect(opened == 25)
      #expect(try await ledger.allQuotas() == [.of("", reserved: 251, used: 0, cap: 251)])
      #expect(try await ledger.allUnfinished().count == 26)
    }
  }

  @Test(
    "A full disk fails the calls in SQLite's words, and with room again they succeed",
    .enabled(if: try Prerequisite.isMet(TinyDisk.canBeMade, "the right to mount")))
  func outlivesFullDisk() async throws {
    let disk = try #require(TinyDisk(kibibytes: 1024))
    defer { disk.remove() }
    let ledger = try EmbeddedLedger(path: disk.path + "/ledger.db")
    var safe: Set<UploadKey> = []
    for _ in 0..<3 {
      disk.fill()
      var failures = 0
      while failures < 20 {
        let batch = (0..<20).map { _ in Reservation.of(1, quotas: [.route(1 << 40)], unfinishedLimit: 1 << 40) }
        let calls = batch.map { ($0.key, ledger.open($0, on: anyLoop)) }
        for (key, call) in calls {
          do {
            _ = try await call.get()
            safe.insert(key)
          } catch LedgerError.engine(let words) {
            #expect(words.contains("full"))
            failures += 1
          }
        }
      }
      disk.empty()
      let upload = Reservation.of(1, quotas: [.route(1 << 40)], unfinishedLimit: safe.count + 1)
      _ = try await ledger.opened(upload)
      safe.insert(upload.key)
      // The count of unfinished uploads went back with what failed.
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(1, unfinishedLimit: safe.count)) }
      #expect(Set(try await ledger.allUnfinished().map(\.key)) == safe)
      #expect(try await ledger.allQuotas().map(\.reserved) == [Int64(safe.count)])
      try await ledger.released(upload.key)
      safe.remove(upload.key)
    }
    ledger.close()
    let reopened = try EmbeddedLedger(path: disk.path + "/ledger.db")
    #expect(Set(try await reopened.allUnfinished().map(\.key)) == safe)
    reopened.close()
  }

  @Test("A call that fails half-way leaves nothing behind, and its neighbours in the batch succeed")
  func undoesHalves() async throws {
    try await withTemporaryDirectory(isDamaged: true) { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let damaged = Reservation.of(100)
      let sound = Reservation.of(50, route: "/other")
      for upload in [damaged, sound] { _ = try await ledger.opened(upload) }
      // The upload's own row changes first, and then its quota is not there.
      try Database(path: path, access: .readWrite, busyMilliseconds: 1000)
        .execute("DELETE FROM quota WHERE route = '/files'")
      let before = try await ledger.found(damaged.key)
      for _ in 0..<3 {
        let calls = [damaged, sound, damaged].map {
          ledger.complete(
            Completion(
              key: $0.key, epoch: 1, size: $0.wanted, charged: $0.wanted, digest: nil, at: WallTime(milliseconds: 1)),
            on: anyLoop)
        }
        for index in [0, 2] { await #expect(throws: LedgerError.self) { try await calls[index].get() } }
        await #expect(throws: LedgerError.self) { try await ledger.released(damaged.key) }
        _ = try? await calls[1].get()
      }
      #expect(try await ledger.found(damaged.key) == before)
      #expect(try await ledger.found(sound.key)?.state == .done)
      #expect(try await ledger.allQuotas() == [.of(route: "/other", "", reserved: 0, used: 50, cap: 1000)])
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(1, unfinishedLimit: 1)) }
    }
  }

  @Test("After the log could not be written all that it holds is in the database before another call is answered")
  func mendsLog() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let upload = Reservation.of(100)
      _ = try await ledger.opened(upload)
      func uploadsWithoutLog(_ name: String) throws -> [UploadKey] {
        try FileManager.default.copyItem(atPath: path, toPath: directory + "/" + name)
        return try LedgerReader(path: directory + "/" + name).uploads(route: "/files").map(\.key)
      }
      _ = try await ledger.found(upload.key)
      #expect(try uploadsWithoutLog("before.db").isEmpty)
      ledger.unflushed.noteFailure("the disk is gone")
      _ = try await ledger.found(upload.key)
      #expect(try uploadsWithoutLog("after.db") == [upload.key])
    }
  }

  @Test("While a foreign program holds the file the calls fail, and afterwards they succeed")
  func outlivesForeignLock() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path, busyMilliseconds: 20)
      defer { ledger.close() }
      let upload = Reservation.of(100)
      _ = try await ledger.opened(upload)
      let foreign = try Database(path: path, access: .readWrite, busyMilliseconds: 0)
      try foreign.execute("BEGIN IMMEDIATE")
      let error = await #expect(throws: LedgerError.self) { try await ledger.advanced(upload.key, from: 0, to: 1) }
      #expect("\(String(describing: error))".contains("locked"))
      try foreign.execute("COMMIT")
      try await ledger.advanced(upload.key, from: 0, to: 1)
    }
  }

  @Test("The write-ahead log does not grow without end")
  func emptiesLog() async throws {
    try await withTemporaryDirectory(in: fastDirectory) { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let upload = Reservation.of(nil, wanted: 1 << 40, quotas: [])
      _ = try await ledger.opened(upload)
      for step in 0..<Int64(LogKeeper.checkpointFrames) * 2 {
        try await ledger.advanced(upload.key, from: step, to: step + 1)
      }
      #expect(try fileSize(path + "-wal") < Int64(LogKeeper.checkpointFrames) * 4200)
    }
  }
}
