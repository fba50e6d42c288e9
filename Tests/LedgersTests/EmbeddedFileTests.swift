import Foundation
import GatewayCore
import NIOCore
@testable import Ledgers
import Testing

@Suite("The embedded ledger's file")
struct EmbeddedFileTests {
  @Test("What was done is there after closing and opening again")
  func reopens() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let open = Reservation.of(100, unfinishedLimit: 1)
      let done = Reservation.of(50, route: "/other")
      let first = try EmbeddedLedger(path: path)
      _ = try await first.opened(open)
      try await first.advanced(open.key, from: 0, to: 30)
      _ = try await first.opened(done)
      try await first.completed(done.key, size: 50)
      let before = (try await first.found(open.key), try await first.found(done.key), try await first.allQuotas())
      first.close()
      first.close()
      let second = try EmbeddedLedger(path: path)
      defer { second.close() }
      #expect(try await second.found(open.key) == before.0)
      #expect(try await second.found(done.key) == before.1)
      #expect(try await second.allQuotas() == before.2)
      await #expect(throws: LedgerError.crowded) { try await second.opened(.of(1, unfinishedLimit: 1)) }
    }
  }

  @Test("A closed ledger has done what was asked before, and fails what is asked later")
  func closes() async throws {
    try await withTemporaryDirectory { directory in
      let ledger = try EmbeddedLedger(path: directory + "/ledger.db")
      let early = (0..<2000).map { _ in ledger.open(.of(0, unfinishedLimit: 2000), on: anyLoop) }
      ledger.close()
      for future in early { _ = try await future.get() }
      await #expect(throws: LedgerError.engine("the ledger is closed")) { try await ledger.opened(.of(1)) }
    }
  }

  @Test("A second gateway is told who has the ledger, and gets it once the first is gone")
  func locks() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let first = try EmbeddedLedger(path: path)
      try FileManager.default.createSymbolicLink(atPath: directory + "/alias.db", withDestinationPath: path)
      for name in ["/ledger.db", "/alias.db"] {
        let error = #expect(throws: LedgerOpenError.self) { try EmbeddedLedger(path: directory + name) }
        guard case .locked(_, let holder) = error else {
          Issue.record("\(String(describing: error))")
          return
        }
        #expect(holder == "process \(ProcessInfo.processInfo.processIdentifier)")
      }
      first.close()
      try EmbeddedLedger(path: path).close()
    }
  }

  @Test("A killed gateway leaves no lock, and everything it was told is safe")
  func survivesKill() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let key = UploadKey.mint()
      let text = key.text
      await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, text = text as String] in
        let ledger = try EmbeddedLedger(path: path)
        let key = try #require(UploadKey(text))
        _ = try await ledger.opened(.of(1_000_000, key: key, quotas: [.route(2_000_000)]))
        try await ledger.advanced(key, from: 0, to: 1000)
        // Others are on their way when it happens.
        for step in 1000..<2000 {
          _ = ledger.advance(
            Advance(
              key: key, epoch: 1, from: Int64(step), to: Int64(step + 1), expiresAt: WallTime(milliseconds: 1)),
            on: anyLoop)
        }
        kill(getpid(), SIGKILL)
      }
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let committed = try #require(try await ledger.found(key)).committed
      #expect((1000...2000).contains(committed))
      #expect(try await ledger.allQuotas() == [.of("", reserved: 1_000_000, used: 0, cap: 2_000_000)])
      try await ledger.advanced(key, from: committed, to: 1_000_000)
    }
  }

  @Test("The files as they lie at the moment of an answer hold what was answered")
  func isDurableAtTheAnswer() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let upload = Reservation.of(100)
      _ = try await ledger.opened(upload)
      for step in 0..<5 {
        try await ledger.advanced(upload.key, from: Int64(step), to: Int64(step + 1))
        let copy = directory + "/copy-\(step).db"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try FileManager.default.copyItem(atPath: path + "-wal", toPath: copy + "-wal")
        let restored = try EmbeddedLedger(path: copy)
        #expect(try await restored.found(upload.key)?.committed == Int64(step + 1))
        restored.close()
      }
    }
  }

  @Test("The file is nobody else's to read, and neither is its log")
  func keepsSecrets() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      _ = try await ledger.opened(.of(1))
      for suffix in ["", "-wal", "-shm", ".lock"] {
        let mode = try FileManager.default.attributesOfItem(atPath: path + suffix)[.posixPermissions] as? Int
        #expect(mode == 0o600)
      }
    }
  }

  @Test("A file of something else is refused and stays as it was")
  func refusesForeign() async throws {
    try await withTemporaryDirectory { directory in
      let text = directory + "/text.db"
      let words = Data(String(repeating: "not a database at all\n", count: 100).utf8)
      try words.write(to: URL(fileURLWithPath: text))
      #expect(throws: LedgerOpenError.foreign(path: text)) { try EmbeddedLedger(path: text) }
      #expect(throws: LedgerOpenError.foreign(path: text)) { try LedgerReader(path: text) }
      #expect(try Data(contentsOf: URL(fileURLWithPath: text)) == words)

      let other = directory + "/other.db"
      try Database(path: other, access: .readWrite, busyMilliseconds: 0).execute("CREATE TABLE song (name text)")
      let bytes = try Data(contentsOf: URL(fileURLWithPath: other))
      #expect(throws: LedgerOpenError.foreign(path: other)) { try EmbeddedLedger(path: other) }
      #expect(try Data(contentsOf: URL(fileURLWithPath: other)) == bytes)
    }
  }

  @Test("A ledger of a newer release is refused")
  func refusesNewer() async throws {
    try await withTemporaryDirectory(isDamaged: true) { directory in
      let path = directory + "/ledger.db"
      try EmbeddedLedger(path: path).close()
      let known = LedgerSchema.known
      try Database(path: path, access: .readWrite, busyMilliseconds: 0).execute("PRAGMA user_version = \(known + 1)")
      let error = LedgerOpenError.newer(path: path, schema: known + 1, known: known)
      #expect(throws: error) { try EmbeddedLedger(path: path) }
      #expect(throws: error) { try LedgerReader(path: path) }
      #expect("\(error)".contains("use the newer release"))
    }
  }

  @Test("A path that cannot be is an error with the system's words")
  func refusesNowhere() {
    let error = #expect(throws: LedgerOpenError.self) { try EmbeddedLedger(path: "/nowhere/at/all/ledger.db") }
    #expect("\(String(describing: error))".contains("No such file or directory"))
    #expect(throws: LedgerOpenError.missing(path: "/nowhere/ledger.db")) {
      try LedgerReader(path: "/nowhere/ledger.db")
    }
  }

  @Test("A file that can only be read is an error at the start, and not of each upload")
  func refusesReadOnly() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      try EmbeddedLedger(path: path).close()
      let before = Set(try FileManager.default.contentsOfDirectory(atPath: directory))
      let error = #expect(throws: LedgerError.self) {
        try Database(path: "file:\(path)?mode=ro", access: .readWrite, busyMilliseconds: 0)
      }
      #expect("\(String(describing: error))".contains("not written"))
      #expect(Set(try FileManager.default.contentsOfDirectory(atPath: directory)) == before)
    }
  }

  @Test("The writer's connection flushes each commit to a write-ahead log")
  func setsDurability() async throws {
    try await withTemporaryDirectory { directory in
      let database = try Database.openForWriting(path: directory + "/ledger.db", busyMilliseconds: 0)
      #expect(try database.number("PRAGMA synchronous") == 2)
      #expect(try database.text("PRAGMA journal_mode") == "wal")
      #expect(try database.number("PRAGMA user_version") == LedgerSchema.known)
    }
  }

  @Test("The row names who has the lease, and nobody once that has ended")
  func namesHolder() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let database = try Database(path: path, access: .readWrite, busyMilliseconds: 1000)
      func holder() throws -> String { try database.text("SELECT holder FROM upload") }
      let upload = Reservation.of(100)
      _ = try await ledger.opened(upload)
      #expect(try holder() == "gateway-1")
      try await ledger.advanced(upload.key, from: 0, to: 10)
      #expect(try holder() == "gateway-1")
      try await ledger.advanced(upload.key, from: 10, to: 10, endsLease: true)
      #expect(try holder().isEmpty)
      _ = try await ledger.tookOver(.of(upload.key, wanted: 100))
      #expect(try holder() == "gateway-2")
      try await ledger.completed(upload.key, epoch: 2, size: 100)
      #expect(try holder().isEmpty)
    }
  }

  @Test(
    "A row that no release wrote fails the calls that read it, in words that name no key",
    arguments: ["format = 'tape'", "metadata = '[1]'", "digest = x'00'", "state = 'open', key = 'short'"])
  func refusesDamagedRow(change: String) async throws {
    try await withTemporaryDirectory(isDamaged: true) { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let upload = Reservation.of(100)
      _ = try await ledger.opened(upload)
      try Database(path: path, access: .readWrite, busyMilliseconds: 1000).execute("UPDATE upload SET \(change)")
      let error = await #expect(throws: LedgerError.self) { try await ledger.allUnfinished() }
      let words = "\(String(describing: error))"
      #expect(words.contains("the ledger is damaged") && !words.contains(upload.key.text))
    }
  }

  @Test("The table itself refuses a reservation above the cap")
  func guardsCap() async throws {
    try await withTemporaryDirectory(isDamaged: true) { directory in
      let database = try Database.openForWriting(path: directory + "/ledger.db", busyMilliseconds: 0)
      let quotas = try QuotaTable(database)
      try quotas.reserve(0..<60, of: .mint(), route: "/files", caps: [.route(100)])
      #expect(throws: LedgerError.self) {
        try quotas.reserve(0..<60, of: .mint(), route: "/files", caps: [.route(100)])
      }
      #expect(throws: LedgerError.self) {
        try quotas.reserve(0..<1, of: .mint(), route: "/files", caps: [.route(10)])
      }
      #expect(try quotas.all() == [.of("", reserved: 60, used: 0, cap: 100)])
    }
  }
}
