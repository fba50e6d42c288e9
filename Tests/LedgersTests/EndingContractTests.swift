import GatewayCore
import NIOCore
import Testing

@Suite("Every ledger, on uploads that fail, are forgotten, or take up less than they are")
struct EndingContractTests {
  @Test("A failed upload is there to be asked for, holds nothing, and can only be dropped", arguments: LedgerEngine.all)
  func fails(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(
        100, quotas: [.route(100), .client("token:ada", 100, window: 60)], unfinishedLimit: 1)
      _ = try await ledger.opened(upload)
      try await ledger.advanced(upload.key, from: 0, to: 30)
      try await ledger.failed(upload.key, expiresAt: WallTime(milliseconds: 8000))
      let record = try #require(try await ledger.found(upload.key))
      #expect(record.state == .failed)
      #expect(record.committed == 30)
      #expect(record.granted == 0)
      #expect(record.expiresAt == WallTime(milliseconds: 8000))
      #expect(record.finishedAt == nil)
      #expect(try await ledger.allUnfinished() == [record])
      #expect(try await ledger.allQuotas() == [.of("", reserved: 0, used: 0, cap: 100)])

      let key = upload.key
      await #expect(throws: LedgerError.unknown) { try await ledger.tookOver(.of(key, wanted: 100)) }
      await #expect(throws: LedgerError.unknown) { try await ledger.advanced(key, from: 30, to: 40) }
      await #expect(throws: LedgerError.unknown) { try await ledger.completed(key, size: 100) }
      // Again under the same lease is a lost answer, and no failure.
      try await ledger.failed(key)
      await #expect(throws: LedgerError.fenced) { try await ledger.failed(key, epoch: 2) }
      await #expect(throws: LedgerError.unknown) { try await ledger.forgotten(key) }
      await #expect(throws: LedgerError.self) { try await ledger.opened(.of(1, key: key)) }
      #expect(try await ledger.found(key) == record)

      // It takes no place of another, and dropping it gives nothing back a second time.
      let next = Reservation.of(100, quotas: [.route(100)], unfinishedLimit: 1)
      _ = try await ledger.opened(next)
      await #expect(throws: LedgerError.fenced) { try await ledger.released(key, epoch: 2) }
      try await ledger.released(key)
      #expect(try await ledger.found(key) == nil)
      #expect(try await ledger.allQuotas() == [.of("", reserved: 100, used: 0, cap: 100)])
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(0, unfinishedLimit: 1)) }
    }
  }

  @Test("Only the newest lease can say that an upload failed", arguments: LedgerEngine.all)
  func fencesFailing(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(100)
      _ = try await ledger.opened(upload)
      _ = try await ledger.tookOver(.of(upload.key, wanted: 100))
      await #expect(throws: LedgerError.fenced) { try await ledger.failed(upload.key, epoch: 1) }
      #expect(try await ledger.found(upload.key)?.state == .open)
      try await ledger.failed(upload.key, epoch: 2)
      await #expect(throws: LedgerError.unknown) { try await ledger.failed(.mint()) }
    }
  }

  @Test(
    "A forgotten upload gives back what it held, of each client's what was reserved there", arguments: LedgerEngine.all)
  func forgets(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(
        nil, wanted: 100, takesPart: true, quotas: [.route(1000), .client("address:a", 60)])
      let other = Reservation.of(7)
      for reservation in [upload, other] { _ = try await ledger.opened(reservation) }
      await #expect(throws: LedgerError.unknown) { try await ledger.forgotten(upload.key) }
      _ = try await ledger.tookOver(
        .of(
          upload.key, wanted: 90,
          quotas: [.route(1000), .client("address:b", 60), .client("address:b", 60, window: 60)]))
      try await ledger.completed(upload.key, epoch: 2, size: 75)
      try await ledger.completed(other.key, size: 7)
      try await ledger.forgotten(upload.key)
      #expect(
        try await ledger.allQuotas() == [
          .of("", reserved: 0, used: 7, cap: 1000),
          // What was sent in a time was sent, whatever became of it.
          .of("address:b", window: 60, reserved: 0, used: 15, cap: 60),
        ])
      #expect(try await ledger.found(upload.key) == nil)
      await #expect(throws: LedgerError.unknown) { try await ledger.forgotten(upload.key) }
      _ = try await ledger.opened(.of(993))
    }
  }

  @Test(
    "A complete upload that is retracted counts no more, and is failed until it is dropped", arguments: LedgerEngine.all
  )
  func retracts(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let caps: [QuotaCap] = [.route(1000), .client("token:ada", 500), .client("token:ada", 300, window: 60)]
      let upload = Reservation.of(100, quotas: caps, unfinishedLimit: 1)
      let key = upload.key
      _ = try await ledger.opened(upload)
      await #expect(throws: LedgerError.unknown) { try await ledger.retracted(key) }
      try await ledger.completed(key, size: 100, charged: 20)
      try await ledger.retracted(key, expiresAt: WallTime(milliseconds: 8000))
      let record = try #require(try await ledger.found(key))
      #expect(record.state == .failed && record.committed == 100 && record.granted == 0)
      #expect(record.expiresAt == WallTime(milliseconds: 8000))
      #expect(try await ledger.allUnfinished() == [record])
      // What was sent in a time was sent.
      #expect(try await ledger.allQuotas().map(\.used) == [0, 100])
      await #expect(throws: LedgerError.unknown) { try await ledger.retracted(key) }
      await #expect(throws: LedgerError.unknown) { try await ledger.forgotten(key) }
      await #expect(throws: LedgerError.unknown) { try await ledger.tookOver(.of(key, wanted: 100)) }
      await #expect(throws: LedgerError.unknown) { try await ledger.completed(key, size: 100) }
      // It takes no place of another, and dropping it gives nothing back a second time.
      _ = try await ledger.opened(.of(7, unfinishedLimit: 1))
      await #expect(throws: LedgerError.fenced) { try await ledger.released(key, epoch: 2) }
      for _ in 1...2 { try await ledger.released(key) }
      #expect(try await ledger.found(key) == nil)
      #expect(try await ledger.allQuotas().map(\.used) == [0, 100])
      #expect(try await ledger.allQuotas().map(\.reserved) == [7, 0])
    }
  }

  @Test("An upload that takes up less than it is counts that, but in a window its size", arguments: LedgerEngine.all)
  func charges(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let caps: [QuotaCap] = [.route(1000), .client("token:ada", 500), .client("token:ada", 300, window: 60)]
      let upload = Reservation.of(100, quotas: caps)
      _ = try await ledger.opened(upload)
      try await ledger.completed(upload.key, size: 100, charged: 20)
      #expect(try await ledger.found(upload.key)?.committed == 100)
      #expect(try await ledger.allQuotas().map(\.used) == [20, 20, 100])
      #expect(try await ledger.allQuotas().map(\.reserved) == [0, 0, 0])
      try await ledger.forgotten(upload.key)
      #expect(try await ledger.allQuotas().map(\.used) == [0, 100])
    }
  }

  @Test(
    "What is charged is held within nothing and the size", arguments: LedgerEngine.all,
    [(-1, 0), (0, 0), (100, 100), (101, 100), (.max, 100), (.min, 0)] as [(Int64, Int64)])
  func bounds(_ engine: LedgerEngine, _ charge: (asked: Int64, counted: Int64)) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(nil, wanted: 200)
      _ = try await ledger.opened(upload)
      try await ledger.completed(upload.key, size: 100, charged: charge.asked)
      #expect(try await ledger.allQuotas() == [.of("", reserved: 0, used: charge.counted, cap: 1000)])
      try await ledger.forgotten(upload.key)
      #expect(try await ledger.allQuotas() == [.of("", reserved: 0, used: 0, cap: 1000)])
    }
  }

  @Test("A part of what is charged counts with the client that reserved it", arguments: LedgerEngine.all)
  func chargesInOrder(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(100, takesPart: true, quotas: [.route(1000), .client("address:a", 60)])
      _ = try await ledger.opened(upload)
      _ = try await ledger.tookOver(.of(upload.key, wanted: 100, quotas: [.route(1000), .client("address:b", 60)]))
      try await ledger.completed(upload.key, epoch: 2, size: 100, charged: 70)
      #expect(
        try await ledger.allQuotas() == [
          .of("", reserved: 0, used: 70, cap: 1000), .of("address:a", reserved: 0, used: 60, cap: 60),
          .of("address:b", reserved: 0, used: 10, cap: 60),
        ])
      try await ledger.forgotten(upload.key)
      #expect(try await ledger.allQuotas() == [.of("", reserved: 0, used: 0, cap: 1000)])
    }
  }

  @Test("Past windows are forgotten, but not while something is reserved in them", arguments: LedgerEngine.all)
  func dropsWindows(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let done = Reservation.of(
        100, quotas: [.route(1000), .client("", 500, window: 60), .client("token:a", 500, window: 90)])
      let open = Reservation.of(100, quotas: [.route(1000), .client("token:a", 500, window: 60)])
      for upload in [done, open] { _ = try await ledger.opened(upload) }
      try await ledger.completed(done.key, size: 100)
      try await ledger.dropWindows(before: WallTime(milliseconds: 90), on: anyLoop).get()
      #expect(
        try await ledger.allQuotas() == [
          .of("", reserved: 100, used: 100, cap: 1000), .of("token:a", window: 60, reserved: 100, used: 0, cap: 500),
          .of("token:a", window: 90, reserved: 0, used: 100, cap: 500),
        ])
      try await ledger.completed(open.key, size: 100)
      try await ledger.dropWindows(before: WallTime(milliseconds: 91), on: anyLoop).get()
      #expect(try await ledger.allQuotas() == [.of("", reserved: 0, used: 200, cap: 1000)])
    }
  }

  @Test(
    "A shortage that ends with its window names it, unless something else is short too", arguments: LedgerEngine.all)
  func namesWindows(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let hour = QuotaCap.client("token:ada", 100, window: 60, length: 60)
      _ = try await ledger.opened(.of(100, quotas: [.route(1000), hour]))
      await #expect(throws: LedgerError.quota(available: 0, windows: [hour])) {
        try await ledger.opened(.of(50, takesPart: true, quotas: [.route(1000), hour]))
      }
      await #expect(throws: LedgerError.quota(available: 0, windows: [])) {
        try await ledger.opened(.of(50, quotas: [.route(100), hour]))
      }
      // All or nothing of more than a window ever has is for ever too much.
      await #expect(throws: LedgerError.quota(available: 0, windows: [])) {
        try await ledger.opened(.of(101, quotas: [.route(1000), hour]))
      }
      let next = QuotaCap.client("token:ada", 100, window: 120, length: 60)
      #expect(try await ledger.opened(.of(200, takesPart: true, quotas: [.route(1000), next])).granted == 100)
    }
  }

  @Test("A takeover that gets nothing more says which windows it waits for", arguments: LedgerEngine.all)
  func takeoverNamesWindows(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let hour = QuotaCap.client("token:ada", 60, window: 60, length: 60)
      let upload = Reservation.of(100, takesPart: true, quotas: [.route(1000), hour])
      #expect(try await ledger.opened(upload).granted == 60)
      let lease = try await ledger.tookOver(.of(upload.key, wanted: 100, quotas: [.route(1000), hour]))
      #expect(lease.granted == 60 && lease.shortWindows == [hour])
      #expect(try await ledger.tookOver(.of(upload.key, wanted: 100, quotas: [.route(60), hour])).shortWindows.isEmpty)
      let next = QuotaCap.client("token:ada", 60, window: 120, length: 60)
      let more = try await ledger.tookOver(.of(upload.key, wanted: 100, quotas: [.route(1000), next]))
      #expect(more.granted == 100 && more.shortWindows.isEmpty)
      #expect(try await ledger.allQuotas().map(\.reserved) == [100, 60, 40])
    }
  }
}
