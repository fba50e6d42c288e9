import Foundation
import GatewayCore
import Ledgers
import Synchronization
import Testing

/// What a ledger told its operator, in order.
final class Notices: Sendable {
  private let all = Mutex<[LedgerNotice]>([])

  func append(_ notice: LedgerNotice) {
    all.withLock { $0.append(notice) }
  }

  /// Those since the last call.
  func taken() -> [LedgerNotice] {
    all.withLock { notices in
      defer { notices = [] }
      return notices
    }
  }

  /// Waits for one that `matches`.
  func first(where matches: (LedgerNotice) -> Bool) async throws -> LedgerNotice {
    while true {
      if let notice = all.withLock({ $0.first(where: matches) }) { return notice }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

@Suite("The embedded ledger, when its files are moved away", .timeLimit(.minutes(1)))
struct LedgerPresenceTests {
  @Test("answers nothing while its folder is elsewhere, goes on once it is back, and says so once each way")
  func folder() async throws {
    try await withTemporaryDirectory { directory in
      let (folder, away) = (directory + "/state", directory + "/away")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
      let notices = Notices()
      let ledger = try EmbeddedLedger(path: folder + "/ledger.db") { notices.append($0) }
      defer { ledger.close() }
      let upload = Reservation.of(100)
      _ = try await ledger.opened(upload)
      #expect(notices.taken() == [])
      for _ in 0..<2 {
        let before = try #require(try await ledger.found(upload.key)).committed
        try FileManager.default.moveItem(atPath: folder, toPath: away)
        for _ in 0..<3 {
          let error = await #expect(throws: LedgerError.self) {
            try await ledger.advanced(upload.key, from: before, to: before + 10)
          }
          #expect("\(String(describing: error))".contains(folder + "/ledger.db is gone"))
          await #expect(throws: LedgerError.self) { try await ledger.opened(.of(1)) }
          // An offset would be called safe that no restart finds.
          await #expect(throws: LedgerError.self) { try await ledger.found(upload.key) }
        }
        try FileManager.default.moveItem(atPath: away, toPath: folder)
        // The one that was under way when it happened may have been done.
        let now = try #require(try await ledger.found(upload.key)).committed
        #expect([before, before + 10].contains(now))
        try await ledger.advanced(upload.key, from: now, to: now + 1)
        let told = notices.taken()
        #expect(told.count == 2)
        guard case .parted(folder + "/ledger.db", _) = told.first, case .rejoined = told.last else {
          Issue.record("\(told)")
          return
        }
      }
    }
  }

  @Test(
    "answers nothing once one of its files is another one, or gone, by whatever name",
    arguments: ["", "-wal", "-shm", ".lock"], [false, true])
  func file(suffix: String, isReplaced: Bool) async throws {
    try await withTemporaryDirectory(isDamaged: true) { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let upload = Reservation.of(100)
      _ = try await ledger.opened(upload)
      let copy = directory + "/copy"
      try FileManager.default.copyItem(atPath: path + suffix, toPath: copy)
      try FileManager.default.removeItem(atPath: path + suffix)
      if isReplaced { try FileManager.default.moveItem(atPath: copy, toPath: path + suffix) }
      let error = await #expect(throws: LedgerError.self) { try await ledger.advanced(upload.key, from: 0, to: 1) }
      #expect("\(String(describing: error))".contains("\(path)\(suffix) is \(isReplaced ? "another file" : "gone")"))
    }
  }
}
