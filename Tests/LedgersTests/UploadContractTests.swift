import GatewayCore
import NIOCore
import Testing

@Suite("Every ledger, on uploads")
struct UploadContractTests {
  @Test("An offered upload is found as it was described", arguments: LedgerEngine.all)
  func describes(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let digest = try #require(ContentDigest(bytes: Array(0..<32)))
      var reservation = Reservation.of(100, label: "Grüße \u{1F40C}.txt", digest: digest)
      reservation.storeState = "gzip:Grüße"
      let holding = try await ledger.opened(reservation)
      #expect(
        holding
          == Lease(
            epoch: holding.epoch, committed: 0, granted: 100, digest: digest, label: holding.label,
            createdAt: holding.createdAt, storeState: "gzip:Grüße"))
      let record = try #require(try await ledger.found(reservation.key))
      #expect(
        record
          == UploadRecord(
            key: reservation.key, route: "/files", owner: "token:ada", total: 100, committed: 0, granted: 100,
            state: .open, epoch: holding.epoch, format: "bytes", label: "Grüße \u{1F40C}.txt", digest: digest,
            createdAt: WallTime(milliseconds: 1000), expiresAt: WallTime(milliseconds: 5000), finishedAt: nil,
            subject: "token:ada", storeState: "gzip:Grüße"))
      #expect(try await ledger.allUnfinished() == [record])
      #expect(try await ledger.claimed(.of(reservation.key, wanted: 0)).storeState == "gzip:Grüße")
    }
  }

  @Test("An empty owner, no label, no digest and no total stay so", arguments: LedgerEngine.all)
  func keepsNothing(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(nil, owner: "", wanted: 50)
      let holding = try await ledger.opened(reservation)
      #expect(holding.granted == 50)
      let record = try #require(try await ledger.found(reservation.key))
      #expect(record.owner.isEmpty)
      #expect(record.total == nil)
      #expect(record.label == nil)
      #expect(record.digest == nil)
    }
  }

  @Test("A key that never was is nil to find and unknown to change", arguments: LedgerEngine.all)
  func knowsNoStranger(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let key = UploadKey.mint()
      let found = try await ledger.found(key)
      #expect(found == nil)
      await #expect(throws: LedgerError.unknown) { try await ledger.claimed(.of(key, wanted: 1)) }
      await #expect(throws: LedgerError.unknown) { try await ledger.advanced(key, from: 0, to: 1) }
      await #expect(throws: LedgerError.unknown) { try await ledger.settled(key, size: 1) }
      await #expect(throws: LedgerError.unknown) { try await ledger.released(key) }
    }
  }

  @Test("A key is taken once", arguments: LedgerEngine.all)
  func refusesKnownKey(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(100)
      _ = try await ledger.opened(reservation)
      let before = try await ledger.allQuotas()
      await #expect(throws: LedgerError.self) { try await ledger.opened(reservation) }
      #expect(try await ledger.allQuotas() == before)
      #expect(try await ledger.allUnfinished().count == 1)
    }
  }

  @Test("The safe offset moves from where it is, and expiry with it", arguments: LedgerEngine.all)
  func advances(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(100)
      let epoch = try await ledger.opened(reservation).epoch
      try await ledger.advanced(reservation.key, epoch: epoch, from: 0, to: 40)
      try await ledger.advanced(reservation.key, epoch: epoch, from: 40, to: 100, expiresAt: WallTime(milliseconds: 12))
      let record = try #require(try await ledger.found(reservation.key))
      #expect(record.committed == 100)
      #expect(record.expiresAt == WallTime(milliseconds: 12))
    }
  }

  @Test("An offset that is not the last one, goes back, or passes the grant is fenced", arguments: LedgerEngine.all)
  func fencesOffsets(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(100, takesPart: true, quotas: [.route(60)])
      let epoch = try await ledger.opened(reservation).epoch
      try await ledger.advanced(reservation.key, epoch: epoch, from: 0, to: 40)
      let before = try await ledger.found(reservation.key)
      for (from, to) in [(0, 50), (41, 50), (40, 39), (40, 61), (40, .max), (.min, 50)] as [(Int64, Int64)] {
        await #expect(throws: LedgerError.fenced) {
          try await ledger.advanced(reservation.key, epoch: epoch, from: from, to: to)
        }
      }
      #expect(try await ledger.found(reservation.key) == before)
      try await ledger.advanced(reservation.key, epoch: epoch, from: 40, to: 60)
    }
  }

  @Test("A claim fences the holder before it in every call", arguments: LedgerEngine.all)
  func fencesEpochs(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(100)
      let first = try await ledger.opened(reservation)
      try await ledger.advanced(reservation.key, epoch: first.epoch, from: 0, to: 30)
      let second = try await ledger.claimed(.of(reservation.key, wanted: 100))
      #expect(
        second
          == Lease(
            epoch: first.epoch + 1, committed: 30, granted: 100, digest: nil, label: first.label,
            createdAt: first.createdAt))
      let before = try await ledger.found(reservation.key)
      #expect(before?.expiresAt == WallTime(milliseconds: 6000))
      await #expect(throws: LedgerError.fenced) {
        try await ledger.advanced(reservation.key, epoch: first.epoch, from: 30, to: 40)
      }
      await #expect(throws: LedgerError.fenced) {
        try await ledger.settled(reservation.key, epoch: first.epoch, size: 100)
      }
      await #expect(throws: LedgerError.fenced) { try await ledger.released(reservation.key, epoch: first.epoch) }
      #expect(try await ledger.found(reservation.key) == before)
      try await ledger.advanced(reservation.key, epoch: second.epoch, from: 30, to: 40)
    }
  }

  @Test("A digest given at a claim counts only where there was none", arguments: LedgerEngine.all)
  func keepsFirstDigest(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let digest = try #require(ContentDigest(bytes: Array(repeating: 1, count: 32)))
      let other = try #require(ContentDigest(bytes: Array(repeating: 2, count: 32)))
      let reservation = Reservation.of(100)
      _ = try await ledger.opened(reservation)
      #expect(try await ledger.claimed(.of(reservation.key, wanted: 100, digest: digest)).digest == digest)
      #expect(try await ledger.claimed(.of(reservation.key, wanted: 100, digest: other)).digest == digest)
      #expect(try await ledger.found(reservation.key)?.digest == digest)
    }
  }

  @Test("A settled upload stays, complete, and nothing changes it any more", arguments: LedgerEngine.all)
  func settles(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let digest = try #require(ContentDigest(bytes: Array(repeating: 1, count: 32)))
      let reservation = Reservation.of(100)
      let epoch = try await ledger.opened(reservation).epoch
      try await ledger.settled(
        reservation.key, epoch: epoch, size: 100, digest: digest, at: WallTime(milliseconds: 7000))
      let record = try #require(try await ledger.found(reservation.key))
      #expect(record.state == .done)
      #expect(record.committed == 100)
      #expect(record.granted == 0)
      #expect(record.digest == digest)
      #expect(record.finishedAt == WallTime(milliseconds: 7000))
      #expect(try await ledger.allUnfinished().isEmpty)
      let key = reservation.key
      await #expect(throws: LedgerError.unknown) { try await ledger.claimed(.of(key, wanted: 100)) }
      await #expect(throws: LedgerError.unknown) { try await ledger.advanced(key, epoch: epoch, from: 100, to: 100) }
      await #expect(throws: LedgerError.unknown) { try await ledger.settled(key, epoch: epoch, size: 100) }
      await #expect(throws: LedgerError.unknown) { try await ledger.released(key, epoch: epoch) }
      #expect(try await ledger.found(key) == record)
    }
  }

  @Test("A size that is not the total, below the safe offset or above the grant is fenced", arguments: LedgerEngine.all)
  func fencesSizes(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let known = Reservation.of(100)
      let unknown = Reservation.of(nil, wanted: 100)
      _ = try await ledger.opened(known)
      let epoch = try await ledger.opened(unknown).epoch
      try await ledger.advanced(unknown.key, epoch: epoch, from: 0, to: 40)
      let before = try await ledger.allQuotas()
      await #expect(throws: LedgerError.fenced) { try await ledger.settled(known.key, epoch: epoch, size: 99) }
      for size in [39, 101, .max, -1] as [Int64] {
        await #expect(throws: LedgerError.fenced) { try await ledger.settled(unknown.key, epoch: epoch, size: size) }
      }
      #expect(try await ledger.allQuotas() == before)
      try await ledger.settled(unknown.key, epoch: epoch, size: 40)
    }
  }

  @Test("A released upload is gone, and its key unknown", arguments: LedgerEngine.all)
  func releases(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(100)
      let epoch = try await ledger.opened(reservation).epoch
      try await ledger.released(reservation.key, epoch: epoch)
      #expect(try await ledger.found(reservation.key) == nil)
      await #expect(throws: LedgerError.unknown) { try await ledger.released(reservation.key, epoch: epoch) }
    }
  }

  @Test("A route has no more unfinished uploads than it may, and finished ones make room", arguments: LedgerEngine.all)
  func limitsUnfinished(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let uploads = (0..<3).map { _ in Reservation.of(10, unfinishedLimit: 3) }
      for upload in uploads { _ = try await ledger.opened(upload) }
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(10, unfinishedLimit: 3)) }
      _ = try await ledger.opened(.of(10, route: "/other", unfinishedLimit: 3))
      // Neither a refused nor a failed call counts.
      await #expect(throws: LedgerError.self) { try await ledger.opened(.of(10, key: uploads[0].key)) }
      try await ledger.released(uploads[0].key)
      await #expect(throws: LedgerError.unknown) { try await ledger.released(uploads[0].key) }
      _ = try await ledger.opened(.of(10, unfinishedLimit: 3))
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(10, unfinishedLimit: 3)) }
      try await ledger.settled(uploads[1].key, size: 10)
      _ = try await ledger.opened(.of(10, unfinishedLimit: 3))
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(10, unfinishedLimit: 3)) }
    }
  }

  @Test("Calls that are made without waiting happen in their order", arguments: LedgerEngine.all)
  func keepsOrder(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(100)
      let opened = ledger.open(reservation, on: anyLoop)
      let steps = (0..<100).map { offset in
        ledger.advance(
          reservation.key, epoch: 1, from: Int64(offset), to: Int64(offset + 1),
          expiresAt: WallTime(milliseconds: 9000), on: anyLoop)
      }
      _ = try await opened.get()
      for step in steps { try await step.get() }
      #expect(try await ledger.found(reservation.key)?.committed == 100)
    }
  }

  @Test(
    "A client has no more unfinished uploads on a route than it may, whatever others have", arguments: LedgerEngine.all)
  func limitsClient(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let uploads = (0..<2).map { _ in Reservation.of(10, clientUnfinishedLimit: 2) }
      for upload in uploads { _ = try await ledger.opened(upload) }
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(10, clientUnfinishedLimit: 2)) }
      _ = try await ledger.opened(.of(10, subject: "token:bob", clientUnfinishedLimit: 2))
      _ = try await ledger.opened(.of(10, route: "/other", clientUnfinishedLimit: 2))
      try await ledger.failed(uploads[0].key)
      _ = try await ledger.opened(.of(10, clientUnfinishedLimit: 2))
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(10, clientUnfinishedLimit: 2)) }
      try await ledger.settled(uploads[1].key, size: 10)
      _ = try await ledger.opened(.of(10, clientUnfinishedLimit: 2))
    }
  }
}
