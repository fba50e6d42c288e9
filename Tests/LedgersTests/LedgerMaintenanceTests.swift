import Foundation
import GatewayCore
@testable import Ledgers
import Testing

@Suite("A ledger's maintenance and audit")
struct LedgerMaintenanceTests {
  @Test("Complete uploads are forgotten while a gateway works, which goes on as if it had done so itself")
  func forgets() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let done = (0..<450).map { _ in Reservation.of(1) }
      let open = Reservation.of(100)
      for upload in done + [open] { _ = try await ledger.opened(upload) }
      for upload in done { try await ledger.completed(upload.key, size: 1) }
      let maintenance = try LedgerMaintenance(path: path)
      // The gateway is not idle meanwhile.
      let busy = Task { @Sendable in
        for step in 0..<100 { try await ledger.advanced(open.key, from: Int64(step), to: Int64(step + 1)) }
      }
      let gone = try maintenance.forget(done.dropFirst(10).map(\.key) + [open.key, .mint(), done[10].key])
      #expect(Set(gone) == Set(done.dropFirst(10).map(\.key)))
      #expect(gone.count == 440)
      try await busy.value
      #expect(try await ledger.allQuotas() == [.of("", reserved: 100, used: 10, cap: 1000)])
      #expect(try await ledger.found(done[20].key) == nil)
      try await ledger.completed(open.key, size: 100)
      #expect(try auditViolations(path: path) == [])
    }
  }

  @Test("It works on the ledger of a stopped gateway, and makes none where there is none")
  func stopped() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      #expect(throws: LedgerOpenError.missing(path: path)) { try LedgerMaintenance(path: path) }
      let ledger = try EmbeddedLedger(path: path)
      let done = Reservation.of(10)
      _ = try await ledger.opened(done)
      try await ledger.completed(done.key, size: 10)
      ledger.close()
      #expect(try LedgerMaintenance(path: path).forget([done.key]) == [done.key])
      let again = try EmbeddedLedger(path: path)
      defer { again.close() }
      #expect(try await again.allQuotas() == [.of("", reserved: 0, used: 0, cap: 1000)])
    }
  }

  @Test("A ledger that somebody else holds for longer than it waits is an error, and nothing is changed")
  func waits() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let done = Reservation.of(10)
      _ = try await ledger.opened(done)
      try await ledger.completed(done.key, size: 10)
      let maintenance = try LedgerMaintenance(path: path, busyMilliseconds: 10)
      let foreign = try Database(path: path, access: .readWrite, busyMilliseconds: 0)
      try foreign.execute("BEGIN IMMEDIATE")
      #expect(throws: LedgerError.self) { try maintenance.forget([done.key]) }
      try foreign.execute("COMMIT")
      #expect(try maintenance.forget([done.key]) == [done.key])
    }
  }

  @Test(
    "An older ledger gets the newer columns, and what it did not know of its uploads stays unknown",
    arguments: [1, 2, 3, 4])
  func migrates(schema: Int) async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      do {
        let old = try Database(path: path, access: .readWrite, busyMilliseconds: 0)
        try old.execute("PRAGMA journal_mode = WAL")
        for migration in LedgerSchema.migrations[..<schema] { try old.execute(migration) }
        try old.execute("PRAGMA application_id = \(LedgerSchema.applicationID)")
        try old.execute("PRAGMA user_version = \(schema)")
        try old.execute(
          """
          INSERT INTO upload (key, route, owner, granted, state, epoch, holder, format, created_at, expires_at)
          VALUES ('abcdefghijklmnop', '/files', '', 0, 'open', 1, 'x', 'bytes', 1, 2)
          """)
      }
      let older = LedgerOpenError.older(path: path, schema: Int64(schema), known: LedgerSchema.known)
      #expect(throws: older) { try LedgerMaintenance(path: path) }
      #expect(throws: older) { try LedgerReader(path: path) }
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let record = try #require(try await ledger.allUnfinished().first)
      #expect(record.facts.subject.isEmpty)
      #expect(record.storeState == nil)
      #expect(record.facts.metadata.isEmpty)
      #expect(record.facts.role == .whole)
      #expect(try await ledger.tookOver(.of(record.key, wanted: 0)).storeState == nil)
      #expect(try LedgerReader(path: path).ledgerID().count == 32)
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(0, unfinishedLimit: 1)) }
    }
  }

  @Test("A ledger has a name of its own for ever, and knows the store of each route until another takes its place")
  func knowsStores() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      try EmbeddedLedger(path: path).close()
      let name = try LedgerReader(path: path).ledgerID()
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let maintenance = try LedgerMaintenance(path: path)
      let first = KnownStore(route: "/b", id: "one", directory: "/disk")
      let other = KnownStore(route: "/a", id: "two", directory: "/disk/2")
      try maintenance.note(first)
      try maintenance.note(other)
      let reader = try LedgerReader(path: path)
      #expect(try reader.stores() == [other, first])
      let moved = KnownStore(route: "/b", id: "three", directory: "/elsewhere")
      try maintenance.note(moved)
      #expect(try reader.stores() == [other, moved])
      #expect(try reader.ledgerID() == name)
      #expect(try EmbeddedLedger(path: directory + "/other.db").close() == ())
      #expect(try LedgerReader(path: directory + "/other.db").ledgerID() != name)
    }
  }

  @Test(
    "The audit sees what does not agree",
    arguments: [
      ("reserved", "UPDATE quota SET reserved = reserved - 1 WHERE subject = ''"),
      ("reserved", "UPDATE quota SET reserved = reserved + 1 WHERE subject = 'token:ada'"),
      ("used", "UPDATE quota SET used = used + 1 WHERE subject = ''"),
      ("used", "DELETE FROM upload WHERE state = 'done'"),
      ("orphan", "DELETE FROM upload WHERE state = 'done'"),
      ("cap", "PRAGMA ignore_check_constraints = 1; UPDATE quota SET cap = 1 WHERE subject = ''"),
      ("quota-missing", "DELETE FROM quota WHERE subject = 'token:ada'"),
      ("upload", "PRAGMA ignore_check_constraints = 1; UPDATE upload SET committed = 101 WHERE state = 'open'"),
      ("upload", "UPDATE upload SET granted = 1 WHERE state = 'done'"),
      ("upload", "UPDATE upload SET finished_at = NULL WHERE state = 'done'"),
      ("extent", "UPDATE upload SET state = 'failed', granted = 0 WHERE state = 'open'"),
      ("extent", "UPDATE upload_quota SET high = 101 WHERE high = 100"),
      ("route-extent", "UPDATE upload_quota SET high = 99 WHERE high = 100 AND subject = ''"),
      ("route-extent", "UPDATE upload SET granted = 99 WHERE state = 'open'"),
    ])
  func audits(rule: String, damage: String) async throws {
    try await withTemporaryDirectory(in: fastDirectory, isDamaged: true) { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      let quotas: [QuotaCap] = [.route(1000), .client("token:ada", 500)]
      let open = Reservation.of(100, quotas: quotas)
      let done = Reservation.of(50, quotas: quotas)
      for upload in [open, done] { _ = try await ledger.opened(upload) }
      try await ledger.completed(done.key, size: 50, charged: 20)
      #expect(try auditViolations(path: path) == [])
      ledger.close()
      try Database(path: path, access: .readWrite, busyMilliseconds: 0).execute(damage)
      let violations = try auditViolations(path: path)
      #expect(violations.contains { $0.rule == rule }, "\(violations)")
      #expect(!violations.contains { $0.description.contains(open.key.text) }, "keys are secrets")
    }
  }
}
