import GatewayCore
import NIOCore
import Testing

@Suite("Every ledger, on leases")
struct LeaseContractTests {
  @Test(
    "What the store wants to know moves with the safe offset, and stays where nothing is said",
    arguments: LedgerEngine.all)
  func advancesStoreState(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(100, storeState: "at the offer")
      _ = try await ledger.opened(reservation)
      try await ledger.advanced(reservation.key, from: 0, to: 10)
      #expect(try await ledger.found(reservation.key)?.storeState == "at the offer")
      try await ledger.advanced(reservation.key, from: 10, to: 20, storeState: "part 2")
      await #expect(throws: LedgerError.fenced) {
        try await ledger.advanced(reservation.key, from: 10, to: 30, storeState: "never")
      }
      try await ledger.advanced(reservation.key, from: 20, to: 20)
      #expect(try await ledger.found(reservation.key)?.storeState == "part 2")
      #expect(try await ledger.tookOver(.of(reservation.key, wanted: 100)).storeState == "part 2")
    }
  }

  @Test("An upload whose lease was ended is taken over, and its last holder fenced", arguments: LedgerEngine.all)
  func endsLease(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(100)
      _ = try await ledger.opened(reservation)
      try await ledger.advanced(reservation.key, from: 0, to: 30, endsLease: true)
      // Until somebody else has it, it is the last holder's: it may have let go of it too soon.
      try await ledger.advanced(reservation.key, from: 30, to: 40, endsLease: true)
      #expect(try await ledger.allUnfinished().map(\.committed) == [40])
      #expect(try await ledger.tookOver(.of(reservation.key, wanted: 100)).committed == 40)
      await #expect(throws: LedgerError.fenced) {
        try await ledger.advanced(reservation.key, from: 40, to: 50, endsLease: true)
      }
    }
  }

  @Test(
    "A renewal moves the expiry of its own lease alone, and passes over what is fenced", arguments: LedgerEngine.all)
  func renews(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let uploads = (0..<5).map { _ in Reservation.of(10) }
      for upload in uploads { _ = try await ledger.opened(upload) }
      _ = try await ledger.tookOver(.of(uploads[1].key, wanted: 10))
      try await ledger.failed(uploads[2].key)
      try await ledger.completed(uploads[3].key, size: 10)
      let later = WallTime(milliseconds: 50_000)
      let before = try await ledger.allUnfinished()
      try await ledger.renewed(
        uploads.prefix(4).map { LeaseRenewal(key: $0.key, epoch: 1, expiresAt: later) }
          + [LeaseRenewal(key: .mint(), epoch: 1, expiresAt: later)])
      for record in before {
        let now = try #require(try await ledger.found(record.key))
        var expected = record
        if record.key == uploads[0].key { expected.expiresAt = later }
        #expect(now == expected)
      }
      try await ledger.renewed([])
      try await ledger.renewed([LeaseRenewal(key: uploads[1].key, epoch: 2, expiresAt: later)])
      #expect(try await ledger.found(uploads[1].key)?.expiresAt == later)
    }
  }

  @Test("What expires at a time or before is listed, open or failed, and nothing else", arguments: LedgerEngine.all)
  func listsExpired(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let uploads = (0..<4).map { _ in Reservation.of(10) }
      for upload in uploads { _ = try await ledger.opened(upload) }
      try await ledger.advanced(uploads[1].key, from: 0, to: 1, expiresAt: WallTime(milliseconds: 5001))
      try await ledger.failed(uploads[2].key, expiresAt: WallTime(milliseconds: 4999))
      try await ledger.completed(uploads[3].key, size: 10)
      #expect(try await ledger.allExpired(at: WallTime(milliseconds: 4998)).isEmpty)
      #expect(try await ledger.allExpired(at: WallTime(milliseconds: 4999)).map(\.key) == [uploads[2].key])
      #expect(
        Set(try await ledger.allExpired(at: WallTime(milliseconds: 5000)).map(\.key))
          == [uploads[0].key, uploads[2].key])
      #expect(try await ledger.allExpired(at: WallTime(milliseconds: 5001)).count == 3)
    }
  }

  @Test(
    "A late total stays, bounds the upload, and gives back what was granted beyond it", arguments: LedgerEngine.all)
  func takesLateTotal(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let quotas: [QuotaCap] = [.route(1000), .client("token:ada", 500), .client("token:ada", 300, window: 60)]
      let upload = Reservation.of(nil, wanted: 200, quotas: quotas)
      #expect(try await ledger.opened(upload).granted == 200)
      try await ledger.advanced(upload.key, from: 0, to: 40)
      let late = try await ledger.tookOver(.of(upload.key, wanted: 70, quotas: quotas, lateTotal: 70))
      #expect(late.facts.total == 70 && late.granted == 70 && late.committed == 40)
      #expect(try await ledger.found(upload.key)?.facts.total == 70)
      #expect(try await ledger.allQuotas().map(\.reserved) == [70, 70, 70])
      // A total that is recorded already stays.
      #expect(try await ledger.tookOver(.of(upload.key, wanted: 90, quotas: quotas, lateTotal: 90)).facts.total == 70)
      #expect(try await ledger.allQuotas().map(\.reserved) == [70, 70, 70])
      await #expect(throws: LedgerError.fenced) { try await ledger.completed(upload.key, epoch: 3, size: 60) }
      try await ledger.completed(upload.key, epoch: 3, size: 70)
      #expect(try await ledger.allQuotas().map(\.used) == [70, 70, 70])
      #expect(try await ledger.allQuotas().map(\.reserved) == [0, 0, 0])
    }
  }

  @Test(
    "A late total gives back to each client what was reserved there, and reserves what it adds",
    arguments: LedgerEngine.all, [(30, [30, 30]), (75, [75, 60, 15]), (110, [110, 60, 50])] as [(Int64, [Int64])])
  func lateTotalFollowsTheClients(_ engine: LedgerEngine, _ late: (total: Int64, reserved: [Int64])) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(
        nil, wanted: 100, takesPart: true, quotas: [.route(1000), .client("address:a", 60)])
      #expect(try await ledger.opened(upload).granted == 60)
      let second: [QuotaCap] = [.route(1000), .client("address:b", 90)]
      #expect(try await ledger.tookOver(.of(upload.key, wanted: 90, quotas: second)).granted == 90)
      let lease = try await ledger.tookOver(
        .of(upload.key, wanted: late.total, quotas: second, lateTotal: late.total))
      #expect(lease.granted == late.total)
      #expect(try await ledger.allQuotas().map(\.reserved) == late.reserved)
      try await ledger.completed(upload.key, epoch: 3, size: late.total)
      #expect(try await ledger.allQuotas().map(\.used) == late.reserved)
    }
  }

  @Test("A late total below what is safe is fenced, and nothing changes", arguments: LedgerEngine.all)
  func fencesLateTotal(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(nil, wanted: 100)
      _ = try await ledger.opened(upload)
      try await ledger.advanced(upload.key, from: 0, to: 40)
      let before = (try await ledger.found(upload.key), try await ledger.allQuotas())
      for total in [39, 0, -1, .min] as [Int64] {
        await #expect(throws: LedgerError.fenced) {
          try await ledger.tookOver(.of(upload.key, wanted: 100, lateTotal: total))
        }
      }
      #expect(try await ledger.found(upload.key) == before.0)
      #expect(try await ledger.allQuotas() == before.1)
      let lease = try await ledger.tookOver(.of(upload.key, wanted: 40, lateTotal: 40))
      #expect(lease.granted == 40 && lease.committed == 40)
    }
  }

  @Test("A takeover fences the lease before it in every call", arguments: LedgerEngine.all)
  func fencesEpochs(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let reservation = Reservation.of(100)
      let first = try await ledger.opened(reservation)
      try await ledger.advanced(reservation.key, epoch: first.epoch, from: 0, to: 30)
      let second = try await ledger.tookOver(.of(reservation.key, wanted: 100))
      #expect(
        second
          == Lease(facts: first.facts, epoch: first.epoch + 1, committed: 30, granted: 100))
      let before = try await ledger.found(reservation.key)
      #expect(before?.expiresAt == WallTime(milliseconds: 6000))
      await #expect(throws: LedgerError.fenced) {
        try await ledger.advanced(reservation.key, epoch: first.epoch, from: 30, to: 40)
      }
      await #expect(throws: LedgerError.fenced) {
        try await ledger.completed(reservation.key, epoch: first.epoch, size: 100)
      }
      await #expect(throws: LedgerError.fenced) { try await ledger.released(reservation.key, epoch: first.epoch) }
      #expect(try await ledger.found(reservation.key) == before)
      try await ledger.advanced(reservation.key, epoch: second.epoch, from: 30, to: 40)
    }
  }

  @Test("A digest given at a takeover counts only where there was none", arguments: LedgerEngine.all)
  func keepsFirstDigest(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let digest = try #require(ContentDigest(bytes: Array(repeating: 1, count: 32)))
      let other = try #require(ContentDigest(bytes: Array(repeating: 2, count: 32)))
      let reservation = Reservation.of(100)
      _ = try await ledger.opened(reservation)
      #expect(try await ledger.tookOver(.of(reservation.key, wanted: 100, digest: digest)).facts.digest == digest)
      #expect(try await ledger.tookOver(.of(reservation.key, wanted: 100, digest: other)).facts.digest == digest)
      #expect(try await ledger.found(reservation.key)?.facts.digest == digest)
    }
  }
}
