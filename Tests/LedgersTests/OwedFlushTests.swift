import Foundation
import GatewayCore
@testable import Ledgers
import NIOCore
import Synchronization
import Testing

@Suite("What the embedded ledger owes the disk", .timeLimit(.minutes(1)))
struct OwedFlushTests {
  @Test("is not called flushed by a commit that changed nothing")
  func changesNothing() async throws {
    try await withTemporaryDirectory(in: fastDirectory) { directory in
      let disk = try CutDisk()
      let ledger = try EmbeddedLedger(path: directory + "/ledger.db", busyMilliseconds: 100, system: disk.name)
      defer { ledger.close() }
      let upload = Reservation.of(100)
      let other = Reservation.of(100)
      for reservation in [upload, other] { _ = try await ledger.opened(reservation) }
      try await ledger.advanced(other.key, from: 0, to: 1)
      try await ledger.completed(upload.key, size: 100, isProvableFromDisk: true)
      #expect(ledger.unflushed.isOwed)
      await #expect(throws: LedgerError.fenced) { try await ledger.advanced(other.key, from: 50, to: 60) }
      #expect(!ledger.unflushed.isOwed)
      let events = disk.state.withLock { $0.events }
      let lastWrite = events.lastIndex { if case .write(.log, _, _) = $0 { true } else { false } }
      let lastSync = events.lastIndex { if case .sync(.log) = $0 { true } else { false } }
      #expect(try #require(lastSync) > #require(lastWrite))
    }
  }

  @Test("is flushed before anybody is handed an event to deliver: no power cut takes back what was told of")
  func flushesBeforeEvents() async throws {
    try await withTemporaryDirectory(in: fastDirectory) { directory in
      let disk = try CutDisk()
      let ledger = try EmbeddedLedger(path: directory + "/ledger.db", busyMilliseconds: 100, system: disk.name)
      defer { ledger.close() }
      let upload = Reservation.of(100)
      let key = upload.key
      _ = try await ledger.opened(upload)
      let event = Event(
        id: Event.id(of: .completed, key), target: "there", key: key, kind: .completed,
        at: WallTime(milliseconds: 7000), body: "{}")
      let completion = Completion(
        key: key, epoch: 1, size: 100, charged: 100, digest: nil, at: WallTime(milliseconds: 7000),
        isProvableFromDisk: true, events: [event])
      try await ledger.complete(completion, on: anyLoop).get()
      #expect(ledger.unflushed.isOwed)
      let claim = EventClaim(target: "there", limit: 1, now: WallTime(milliseconds: 8000))
      #expect(try await ledger.claimEvents(claim, on: anyLoop).get().events == [event])
      #expect(!ledger.unflushed.isOwed)
      for seed in 1...20 as ClosedRange<UInt64> {
        var replay = CutReplay(seed: seed)
        for event in disk.state.withLock({ $0.events }) { replay.take(event) }
        let folder = directory + "/cut"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try replay.cut(into: folder)
        let reader = try LedgerReader(path: folder + "/ledger.db")
        #expect(try reader.uploads().map(\.state) == [.done])
        #expect(try reader.events(EventSelection()).map(\.event) == [event])
      }
    }
  }

  @Test("is still owed where the flush failed, and comes to the disk without a call once the disk can")
  func failedFlush() async throws {
    try await withTemporaryDirectory(in: fastDirectory) { directory in
      let disk = try CutDisk()
      let notices = Notices()
      let ledger = try EmbeddedLedger(
        path: directory + "/ledger.db", busyMilliseconds: 100, system: disk.name
      ) { notices.append($0) }
      defer { ledger.close() }
      let upload = Reservation.of(100)
      _ = try await ledger.opened(upload)
      disk.state.withLock { $0.faults = .always }
      try await ledger.completed(upload.key, size: 100, isProvableFromDisk: true)
      _ = try await notices.first { if case .unmended = $0 { true } else { false } }
      #expect(ledger.unflushed.isOwed)
      let error = await #expect(throws: LedgerError.self) { try await ledger.found(upload.key) }
      #expect("\(String(describing: error))".contains("log cannot be written"))
      disk.state.withLock { $0.faults = nil }
      _ = try await notices.first { if case .mended = $0 { true } else { false } }
      #expect(!ledger.unflushed.isOwed)
      #expect(try await ledger.found(upload.key)?.state == .done)
      #expect(notices.taken().count == 2)
    }
  }

  @Test("waits for the repair where somebody else has heard of a failure")
  func heardElsewhere() async throws {
    try await withTemporaryDirectory(in: fastDirectory) { directory in
      let path = directory + "/ledger.db"
      let disk = try CutDisk()
      let ledger = try EmbeddedLedger(path: path, busyMilliseconds: 100, system: disk.name)
      let flush = try ledger.makeFlush()
      let device = try FileManager.default.attributesOfItem(atPath: path)[.systemNumber] as? UInt64
      for synced in [nil, device] {
        // A log that has nothing in it needs no repair.
        _ = try await ledger.opened(.of(100))
        disk.state.withLock { $0.faults = .always }
        ledger.unflushed.noteFailure("the disk is gone")
        #expect(throws: LedgerError.self) { try flush.flushAnswers(afterSyncOf: synced) }
        #expect(ledger.unflushed.isHoled)
        disk.state.withLock { $0.faults = nil }
        try flush.flushAnswers(afterSyncOf: synced)
        #expect(!ledger.unflushed.isHoled)
      }
      ledger.close()
      ledger.unflushed.noteFailure("the disk is gone")
      #expect(throws: LedgerError.engine("the ledger is closed")) { try flush.flushAnswers() }
    }
  }

  @Test("is written anew at a start: the process before may have ended before it could repair its log")
  func startsWhole() async throws {
    try await withTemporaryDirectory(in: fastDirectory) { directory in
      let path = directory + "/ledger.db"
      let copy = directory + "/copy.db"
      let first = try EmbeddedLedger(path: path)
      let upload = Reservation.of(100)
      _ = try await first.opened(upload)
      for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix) }
      first.close()
      let disk = try CutDisk()
      let ledger = try EmbeddedLedger(path: copy, busyMilliseconds: 100, system: disk.name)
      defer { ledger.close() }
      let events = disk.state.withLock { $0.events }
      let header = events.firstIndex { if case .write(.log, 0, _) = $0 { true } else { false } }
      let sync = events.lastIndex { if case .sync(.log) = $0 { true } else { false } }
      #expect(try #require(header) < #require(sync))
      #expect(try await ledger.found(upload.key) != nil)
    }
  }

  @Test("fails a call whose values SQLite did not take")
  func failsBinds() async throws {
    try await withTemporaryDirectory { directory in
      let database = try Database(path: directory + "/other.db", access: .readWrite, busyMilliseconds: 0)
      let statement = try Statement("SELECT $1", in: database)
      statement.bind(2, 1)
      #expect(throws: LedgerError.self) { try statement.step() }
      statement.reset()
      statement.bind(1, 1)
      #expect(try statement.step())
    }
  }
}
