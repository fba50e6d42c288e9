import GatewayCore
import Ledgers
import NIOCore
import Testing

@Suite("Complete uploads in a ledger")
struct CompleteUploadsTests {
  /// Completes uploads at the moments 1, 2, ...
  private func complete(_ count: Int, route: String = "/files", in ledger: any Ledger) async throws -> [UploadKey] {
    var keys: [UploadKey] = []
    for moment in 1...count {
      let lease = try await ledger.opened(
        .of(10, route: route, quotas: [.route(1000), .client("token:ada", 1000), .client("", 1000, window: 60_000)]))
      try await ledger.completed(lease.facts.key, size: 10, at: WallTime(milliseconds: Int64(moment)))
      keys.append(lease.facts.key)
    }
    return keys
  }

  private func used(_ ledger: any Ledger) async throws -> [Int64] {
    try await ledger.allQuotas().map(\.used)
  }

  @Test("are told oldest first, in pages, by route and by what became of their files", arguments: LedgerEngine.all)
  func pages(engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let keys = try await complete(5, in: ledger)
      _ = try await complete(2, route: "/other", in: ledger)
      _ = try await ledger.opened(.of(10))
      var wanted = CompleteUploads(route: "/files", file: .there, limit: 2)
      var seen: [[UploadKey]] = []
      while true {
        let page = try await ledger.complete(wanted, on: anyLoop).get()
        guard let last = page.last else { break }
        seen.append(page.map(\.key))
        wanted.after = CompleteUploads.Mark(last)
      }
      #expect(seen == [Array(keys[0..<2]), Array(keys[2..<4]), [keys[4]]])
      let before = CompleteUploads(route: "/files", file: .there, before: WallTime(milliseconds: 3), limit: 9)
      #expect(try await ledger.complete(before, on: anyLoop).get().map(\.key) == Array(keys[0..<2]))
      #expect(try await ledger.complete(.init(route: "/files", file: .gone, limit: 9), on: anyLoop).get().isEmpty)
    }
  }

  @Test("whose files leave count no more, once, and are still known; then they are pruned", arguments: LedgerEngine.all)
  func departs(engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let keys = try await complete(4, in: ledger)
      let open = try await ledger.opened(.of(10, quotas: [.route(1000)])).facts.key
      #expect(try await used(ledger) == [40, 40, 40])
      #expect(
        try await ledger.depart([keys[0], keys[1], open, .mint()], .leaving, on: anyLoop).get() == [keys[0], keys[1]])
      // What was used of a window stays used.
      #expect(try await used(ledger) == [20, 40, 20])
      #expect(try await ledger.depart([keys[0], keys[2]], .gone, on: anyLoop).get() == [keys[0], keys[2]])
      #expect(try await ledger.depart([keys[0]], .leaving, on: anyLoop).get().isEmpty)
      #expect(try await used(ledger) == [10, 40, 10])
      let gone = try #require(try await ledger.found(keys[0]))
      #expect(gone.state == .done && gone.file == .gone && gone.committed == 10)
      // Its client may ask again, whatever became of the file.
      try await ledger.completed(keys[0], size: 10)
      #expect(try await used(ledger) == [10, 40, 10])

      let old = CompleteUploads(route: "/files", file: .gone, before: WallTime(milliseconds: 3), limit: 10)
      #expect(try await ledger.prune(old, on: anyLoop).get() == 1)
      #expect(try await ledger.found(keys[0]) == nil)
      #expect(try await ledger.found(keys[2])?.file == .gone)
      #expect(try await ledger.found(keys[1])?.file == .leaving)
      try await ledger.forgotten(keys[1])
      try await ledger.forgotten(keys[3])
      #expect(try await used(ledger).first == 0)
    }
  }

  @Test("are listed in pages by an index, also from the middle")
  func lists() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      let keys = try await complete(5, in: ledger) + complete(2, route: "/other", in: ledger)
      let open = try await ledger.opened(.of(10)).facts.key
      let reader = try LedgerReader(path: path)
      func list(_ list: UploadList, limit: Int = 100) throws -> [UploadKey] {
        var found: [UploadKey] = []
        try reader.forEach(of: list) { (record) throws(LedgerError) in
          found.append(record.key)
          return found.count < limit
        }
        return found
      }
      let all = try list(UploadList())
      #expect(Set(all) == Set(keys + [open]) && all.count == 8)
      for (index, key) in all.enumerated() {
        #expect(try list(UploadList(after: key)) == Array(all[(index + 1)...]))
      }
      #expect(try list(UploadList(), limit: 3) == Array(all[..<3]))
      let other = Array(all[6...])
      #expect(try list(UploadList(route: "/other")) == other)
      #expect(try list(UploadList(route: "/other", after: other[0])) == [other[1]])
      #expect(try list(UploadList(route: "/other", after: all[0])).isEmpty)
      #expect(try list(UploadList(after: .mint())).isEmpty)
      #expect(try list(UploadList(state: .open)) == [open])
      #expect(try list(UploadList(state: .done)).count == 7)
      #expect(try list(UploadList(keyPrefix: String(keys[3].text.prefix(20)))) == [keys[3]])
    }
  }
}
