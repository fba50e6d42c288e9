import GatewayCore
import NIOCore
import Testing

@Suite("Every ledger, on uploads")
struct UploadContractTests {
  @Test("An offered upload is found as it was described", arguments: LedgerEngine.all)
  func describes(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let digest = try #require(ContentDigest(bytes: Array(0..<32)))
      let metadata = ["mtime": "2026-07-29T10:00:00Z", "Grüße": "\u{1F40C}\n\"\u{0}", "": ""]
      let reservation = Reservation.of(
        100, label: "Grüße \u{1F40C}.txt", metadata: metadata, digest: digest, storeState: "gzip:Grüße")
      let lease = try await ledger.opened(reservation)
      #expect(
        lease
          == Lease(
            facts: reservation.facts, epoch: lease.epoch, committed: 0, granted: 100, storeState: "gzip:Grüße"))
      let record = try #require(try await ledger.found(reservation.key))
      let facts = UploadFacts(
        key: reservation.key, route: "/files", owner: "token:ada", subject: "token:ada", format: .bytes,
        label: "Grüße \u{1F40C}.txt", metadata: metadata, digest: digest, total: 100,
        createdAt: WallTime(milliseconds: 1000))
      #expect(
        record
          == UploadRecord(
            facts: facts, committed: 0, granted: 100, state: .open, epoch: lease.epoch,
            expiresAt: WallTime(milliseconds: 5000), finishedAt: nil, storeState: "gzip:Grüße"))
      #expect(try await ledger.allUnfinished() == [record])
      let next = try await ledger.tookOver(.of(reservation.key, wanted: 0))
      #expect(next.facts == facts && next.storeState == "gzip:Grüße")
    }
  }

  @Test("Each format is found as it was given", arguments: LedgerEngine.all, DataFormat.allCases)
  func keepsFormat(_ engine: LedgerEngine, _ format: DataFormat) async throws {
    try await engine.withLedger { ledger in
      var reservation = Reservation.of(100)
      reservation.facts.format = format
      let lease = try await ledger.opened(reservation)
      #expect(lease.facts.format == format)
      let record = try await ledger.found(reservation.key)
      #expect(record?.facts.format == format)
    }
  }

  @Test(
    "What an upload is for is found as it was given, also after a takeover", arguments: LedgerEngine.all,
    [.whole, .part, .final(of: [.mint()]), .final(of: Array(repeating: .mint(), count: 1000))] as [UploadRole])
  func keepsRole(_ engine: LedgerEngine, _ role: UploadRole) async throws {
    try await engine.withLedger { ledger in
      var reservation = Reservation.of(100)
      reservation.facts.role = role
      let lease = try await ledger.opened(reservation)
      #expect(lease.facts.role == role)
      #expect(try await ledger.found(reservation.key)?.facts.role == role)
      #expect(try await ledger.tookOver(.of(reservation.key, wanted: 100)).facts.role == role)
      #expect(try await ledger.allUnfinished().map(\.facts.role) == [role])
    }
  }

  @Test(
    "A part is never complete, though all of it is safe; it holds its quota until it is dropped",
    arguments: LedgerEngine.all)
  func neverCompletesParts(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      var reservation = Reservation.of(100)
      reservation.facts.role = .part
      _ = try await ledger.opened(reservation)
      try await ledger.advanced(reservation.key, from: 0, to: 100, endsLease: true)
      await #expect(throws: LedgerError.fenced) { try await ledger.completed(reservation.key, size: 100) }
      #expect(try await ledger.found(reservation.key)?.state == .open)
      #expect(try await ledger.allQuotas() == [.of("", reserved: 100, used: 0, cap: 1000)])
      try await ledger.released(reservation.key)
      #expect(try await ledger.allQuotas() == [.of("", reserved: 0, used: 0, cap: 1000)])
    }
  }

  @Test("A final that learns its total late reserves all of it, or is given back", arguments: LedgerEngine.all)
  func reservesFinalsLate(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      var reservation = Reservation.of(nil, wanted: 0)
      reservation.facts.role = .final(of: [.mint(), .mint()])
      #expect(try await ledger.opened(reservation).granted == 0)
      try await ledger.advanced(reservation.key, from: 0, to: 0, endsLease: true)
      let lease = try await ledger.tookOver(.of(reservation.key, wanted: 600, lateTotal: 600))
      #expect(lease.granted == 600 && lease.facts.total == 600)
      try await ledger.failed(reservation.key, epoch: lease.epoch)
      #expect(try await ledger.allQuotas() == [.of("", reserved: 0, used: 0, cap: 1000)])
    }
  }

  @Test("An empty owner, no label, no metadata, no digest and no total stay so", arguments: LedgerEngine.all)
  func keepsNothing(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(nil, owner: "", wanted: 50)
      let lease = try await ledger.opened(reservation)
      #expect(lease.granted == 50)
      let record = try #require(try await ledger.found(reservation.key))
      #expect(record.facts.owner.isEmpty)
      #expect(record.facts.total == nil)
      #expect(record.facts.label == nil)
      #expect(record.facts.metadata.isEmpty)
      #expect(record.storeState == nil)
      #expect(record.facts.digest == nil)
    }
  }

  @Test(
    "A key that never was is nil to find, unknown to change, and no failure to release or renew",
    arguments: LedgerEngine.all)
  func knowsNoStranger(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let key = UploadKey.mint()
      let found = try await ledger.found(key)
      #expect(found == nil)
      await #expect(throws: LedgerError.unknown) { try await ledger.tookOver(.of(key, wanted: 1)) }
      await #expect(throws: LedgerError.unknown) { try await ledger.advanced(key, from: 0, to: 1) }
      await #expect(throws: LedgerError.unknown) { try await ledger.completed(key, size: 1) }
      await #expect(throws: LedgerError.unknown) { try await ledger.failed(key) }
      await #expect(throws: LedgerError.unknown) { try await ledger.forgotten(key) }
      try await ledger.released(key)
      try await ledger.renewed([LeaseRenewal(key: key, epoch: 1, expiresAt: WallTime(milliseconds: 1))])
      #expect(try await ledger.found(key) == nil)
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

  @Test("A complete upload stays, and nothing changes it any more", arguments: LedgerEngine.all)
  func completes(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let digest = try #require(ContentDigest(bytes: Array(repeating: 1, count: 32)))
      let reservation = Reservation.of(100)
      let epoch = try await ledger.opened(reservation).epoch
      try await ledger.completed(
        reservation.key, epoch: epoch, size: 100, digest: digest, at: WallTime(milliseconds: 7000))
      let record = try #require(try await ledger.found(reservation.key))
      #expect(record.state == .done)
      #expect(record.committed == 100)
      #expect(record.granted == 0)
      #expect(record.facts.digest == digest)
      #expect(record.finishedAt == WallTime(milliseconds: 7000))
      #expect(try await ledger.allUnfinished().isEmpty)
      let key = reservation.key
      await #expect(throws: LedgerError.unknown) { try await ledger.tookOver(.of(key, wanted: 100)) }
      await #expect(throws: LedgerError.unknown) { try await ledger.advanced(key, epoch: epoch, from: 100, to: 100) }
      for size in [99, 101] as [Int64] {
        await #expect(throws: LedgerError.unknown) { try await ledger.completed(key, epoch: epoch, size: size) }
      }
      for other in [epoch - 1, epoch + 1] {
        await #expect(throws: LedgerError.unknown) { try await ledger.completed(key, epoch: other, size: 100) }
      }
      await #expect(throws: LedgerError.unknown) { try await ledger.released(key, epoch: epoch) }
      #expect(try await ledger.found(key) == record)
    }
  }

  @Test(
    "A completion under the same lease with the same size succeeds again, and changes nothing the second time",
    arguments: LedgerEngine.all)
  func completesAgain(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let quotas: [QuotaCap] = [.route(1000), .client("token:ada", 300, window: 60)]
      let upload = Reservation.of(nil, wanted: 100, quotas: quotas, unfinishedLimit: 2)
      let other = Reservation.of(10, unfinishedLimit: 2)
      for reservation in [upload, other] { _ = try await ledger.opened(reservation) }
      try await ledger.completed(upload.key, size: 70, charged: 20)
      let before = (try await ledger.found(upload.key), try await ledger.allQuotas())
      let digest = try #require(ContentDigest(bytes: Array(repeating: 1, count: 32)))
      try await ledger.completed(upload.key, size: 70, charged: 20)
      try await ledger.completed(
        upload.key, size: 70, digest: digest, charged: 70, at: WallTime(milliseconds: 1), isProvableFromDisk: true)
      #expect(try await ledger.found(upload.key) == before.0)
      #expect(try await ledger.allQuotas() == before.1)
      // It made room for one other upload, and not for two.
      _ = try await ledger.opened(.of(10, unfinishedLimit: 2))
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(10, unfinishedLimit: 2)) }
      try await ledger.forgotten(upload.key)
      await #expect(throws: LedgerError.unknown) { try await ledger.completed(upload.key, size: 70, charged: 20) }
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
      await #expect(throws: LedgerError.fenced) { try await ledger.completed(known.key, epoch: epoch, size: 99) }
      for size in [39, 101, .max, -1] as [Int64] {
        await #expect(throws: LedgerError.fenced) { try await ledger.completed(unknown.key, epoch: epoch, size: size) }
      }
      #expect(try await ledger.allQuotas() == before)
      try await ledger.completed(unknown.key, epoch: epoch, size: 40)
    }
  }

  @Test("A released upload is gone, its key unknown, and to release it again no failure", arguments: LedgerEngine.all)
  func releases(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(100)
      let epoch = try await ledger.opened(reservation).epoch
      try await ledger.released(reservation.key, epoch: epoch)
      #expect(try await ledger.found(reservation.key) == nil)
      let before = try await ledger.allQuotas()
      try await ledger.released(reservation.key, epoch: epoch)
      try await ledger.released(reservation.key, epoch: epoch + 1)
      #expect(try await ledger.allQuotas() == before)
      await #expect(throws: LedgerError.unknown) {
        try await ledger.tookOver(.of(reservation.key, wanted: 100))
      }
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
      // Released twice it makes room once.
      try await ledger.released(uploads[0].key)
      _ = try await ledger.opened(.of(10, unfinishedLimit: 3))
      await #expect(throws: LedgerError.crowded) { try await ledger.opened(.of(10, unfinishedLimit: 3)) }
      try await ledger.completed(uploads[1].key, size: 10)
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
          Advance(
            key: reservation.key, epoch: 1, from: Int64(offset), to: Int64(offset + 1),
            expiresAt: WallTime(milliseconds: 9000)), on: anyLoop)
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
      try await ledger.completed(uploads[1].key, size: 10)
      _ = try await ledger.opened(.of(10, clientUnfinishedLimit: 2))
    }
  }
}
