import Foundation
import GatewayCore
import Ledgers
import Testing

@Suite("A ledger's reader")
struct LedgerReaderTests {
  @Test("It sees what a running gateway has committed, by state and by route")
  func looksOn() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let reader = try LedgerReader(path: path)
      #expect(try reader.uploads().isEmpty)
      let open = Reservation.of(100)
      let done = Reservation.of(50)
      let other = Reservation.of(10, route: "/other")
      for upload in [open, done, other] { _ = try await ledger.opened(upload) }
      try await ledger.completed(done.key, size: 50)
      #expect(Set(try reader.uploads().map(\.key)) == [open.key, done.key, other.key])
      #expect(try reader.uploads(state: .done).map(\.key) == [done.key])
      #expect(try reader.uploads(route: "/other").map(\.key) == [other.key])
      #expect(try reader.uploads(state: .open, route: "/files") == [try #require(try await ledger.found(open.key))])
      #expect(try reader.uploads(state: .done, route: "/other").isEmpty)
      #expect(try reader.quotas() == (try await ledger.allQuotas()))
      // It holds nothing that would stop the next commit.
      try await ledger.released(open.key)
      #expect(try reader.uploads(state: .open).map(\.key) == [other.key])
    }
  }

  @Test("Another process looks on while the gateway runs, and may not write")
  func looksOnFromElsewhere() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let upload = Reservation.of(100)
      _ = try await ledger.opened(upload)
      let text = upload.key.text
      await #expect(processExitsWith: .success) { [path = path as String, text = text as String] in
        let reader = try LedgerReader(path: path)
        #expect(try reader.uploads().map(\.key.text) == [text])
        #expect(throws: LedgerOpenError.self) { try EmbeddedLedger(path: path) }
      }
      try await ledger.advanced(upload.key, from: 0, to: 1)
    }
  }

  @Test("It opens a ledger whose gateway is stopped")
  func looksAfterwards() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      _ = try await ledger.opened(.of(100))
      ledger.close()
      #expect(try LedgerReader(path: path).uploads().count == 1)
    }
  }
}
