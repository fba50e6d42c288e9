import GatewayCore
import NIOCore
import NIOPosix
import Testing

@Suite("Every ledger, on quotas")
struct QuotaContractTests {
  @Test("A reservation counts against each of its quotas, and turns to use when complete", arguments: LedgerEngine.all)
  func countsEverywhere(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let caps: [QuotaCap] = [.route(1000), .client("token:ada", 500), .client("token:ada", 300, window: 60)]
      let upload = Reservation.of(nil, wanted: 100, quotas: caps)
      _ = try await ledger.opened(upload)
      #expect(
        try await ledger.allQuotas() == [
          .of("", reserved: 100, used: 0, cap: 1000), .of("token:ada", reserved: 100, used: 0, cap: 500),
          .of("token:ada", window: 60, reserved: 100, used: 0, cap: 300),
        ])
      try await ledger.completed(upload.key, size: 70)
      #expect(
        try await ledger.allQuotas() == [
          .of("", reserved: 0, used: 70, cap: 1000), .of("token:ada", reserved: 0, used: 70, cap: 500),
          .of("token:ada", window: 60, reserved: 0, used: 70, cap: 300),
        ])
    }
  }

  @Test("A released upload gives all of it back", arguments: LedgerEngine.all)
  func givesBack(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(100, quotas: [.route(100), .client("token:ada", 100)])
      _ = try await ledger.opened(upload)
      try await ledger.advanced(upload.key, from: 0, to: 60)
      await #expect(throws: LedgerError.quota(available: 0)) { try await ledger.opened(.of(1, quotas: [.route(100)])) }
      try await ledger.released(upload.key)
      #expect(try await ledger.allQuotas().allSatisfy { $0.reserved == 0 && $0.used == 0 })
      _ = try await ledger.opened(.of(100, quotas: [.route(100)]))
    }
  }

  @Test("Where part will do the tightest quota decides, else it is refused", arguments: LedgerEngine.all)
  func grantsPart(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let caps: [QuotaCap] = [.route(1000), .client("token:ada", 40)]
      await #expect(throws: LedgerError.quota(available: 40)) { try await ledger.opened(.of(100, quotas: caps)) }
      #expect(try await ledger.allQuotas().isEmpty)
      let part = try await ledger.opened(.of(100, takesPart: true, quotas: caps))
      #expect(part.granted == 40)
      await #expect(throws: LedgerError.quota(available: 0)) {
        try await ledger.opened(.of(100, takesPart: true, quotas: caps))
      }
      #expect(try await ledger.opened(.of(0, quotas: caps)).granted == 0)
    }
  }

  @Test("A takeover reserves what is missing, as far as the quotas leave it", arguments: LedgerEngine.all)
  func takeoverGrantsMore(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let other = Reservation.of(70, quotas: [.route(100)])
      _ = try await ledger.opened(other)
      let upload = Reservation.of(100, takesPart: true, quotas: [.route(100)])
      #expect(try await ledger.opened(upload).granted == 30)
      #expect(try await ledger.tookOver(.of(upload.key, wanted: 100, quotas: [.route(100)])).granted == 30)
      try await ledger.released(other.key)
      #expect(try await ledger.tookOver(.of(upload.key, wanted: 100, quotas: [.route(80)])).granted == 80)
      #expect(try await ledger.tookOver(.of(upload.key, wanted: 100, quotas: [.route(500)])).granted == 100)
      #expect(try await ledger.tookOver(.of(upload.key, wanted: 500, quotas: [.route(500)])).granted == 100)
      #expect(try await ledger.allQuotas() == [.of("", reserved: 100, used: 0, cap: 500)])
    }
  }

  @Test(
    "What a takeover adds counts where the takeover says, and each byte ends where it was reserved",
    arguments: LedgerEngine.all)
  func followsTheClient(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(
        nil, wanted: 100, takesPart: true, quotas: [.route(1000), .client("address:a", 60)])
      #expect(try await ledger.opened(upload).granted == 60)
      let request = LeaseRequest.of(upload.key, wanted: 90, quotas: [.route(1000), .client("address:b", 60)])
      #expect(try await ledger.tookOver(request).granted == 90)
      #expect(
        try await ledger.allQuotas() == [
          .of("", reserved: 90, used: 0, cap: 1000), .of("address:a", reserved: 60, used: 0, cap: 60),
          .of("address:b", reserved: 30, used: 0, cap: 60),
        ])
      try await ledger.completed(upload.key, epoch: 2, size: 75)
      #expect(
        try await ledger.allQuotas() == [
          .of("", reserved: 0, used: 75, cap: 1000), .of("address:a", reserved: 0, used: 60, cap: 60),
          .of("address:b", reserved: 0, used: 15, cap: 60),
        ])
    }
  }

  @Test("A quota that is named twice holds the bytes once", arguments: LedgerEngine.all)
  func countsOnce(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(100, takesPart: true, quotas: [.route(90), .route(50)])
      #expect(try await ledger.opened(upload).granted == 50)
      #expect(try await ledger.allQuotas().map(\.reserved) == [50])
      try await ledger.released(upload.key)
      #expect(try await ledger.allQuotas().allSatisfy { $0.reserved == 0 })
    }
  }

  @Test("A cap below what is taken stops new uploads and hinders no old one", arguments: LedgerEngine.all)
  func lowersCap(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let uploads = (0..<3).map { _ in Reservation.of(100, quotas: [.route(300)]) }
      for upload in uploads { _ = try await ledger.opened(upload) }
      await #expect(throws: LedgerError.quota(available: 0)) { try await ledger.opened(.of(1, quotas: [.route(50)])) }
      #expect(try await ledger.tookOver(.of(uploads[0].key, wanted: 100, quotas: [.route(50)])).granted == 100)
      try await ledger.advanced(uploads[0].key, epoch: 2, from: 0, to: 100)
      try await ledger.completed(uploads[0].key, epoch: 2, size: 100)
      try await ledger.released(uploads[1].key)
      await #expect(throws: LedgerError.quota(available: 0)) { try await ledger.opened(.of(1, quotas: [.route(50)])) }
      await #expect(throws: LedgerError.quota(available: 10)) {
        try await ledger.opened(.of(11, quotas: [.route(210)]))
      }
      _ = try await ledger.opened(.of(10, quotas: [.route(210)]))
      #expect(try await ledger.allQuotas() == [.of("", reserved: 110, used: 100, cap: 210)])
      _ = try await ledger.opened(.of(500, quotas: [.route(1000)]))
      #expect(try await ledger.allQuotas() == [.of("", reserved: 610, used: 100, cap: 1000)])
    }
  }

  @Test("The largest numbers neither trap nor pass a cap", arguments: LedgerEngine.all)
  func boundsSums(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let huge = Int64.max
      let first = Reservation.of(huge - 1, takesPart: true, quotas: [.route(huge)])
      #expect(try await ledger.opened(first).granted == huge - 1)
      #expect(try await ledger.opened(.of(huge, takesPart: true, quotas: [.route(huge)])).granted == 1)
      await #expect(throws: LedgerError.quota(available: 0)) { try await ledger.opened(.of(1, quotas: [.route(huge)])) }
      try await ledger.advanced(first.key, from: 0, to: huge - 1)
      try await ledger.completed(first.key, size: huge - 1)
      #expect(try await ledger.allQuotas() == [.of("", reserved: 1, used: huge - 1, cap: huge)])
      // Without a quota nothing is summed.
      for _ in 0..<3 { #expect(try await ledger.opened(.of(1 << 62, quotas: [])).granted == 1 << 62) }
      await #expect(throws: LedgerError.quota(available: 0)) { try await ledger.opened(.of(1, quotas: [.route(.min)])) }
      await #expect(throws: LedgerError.self) { try await ledger.opened(.of(nil, wanted: -1)) }
    }
  }

  @Test("64 callers on four event loops get the cap between them, to the byte", arguments: LedgerEngine.all)
  func isExactUnderLoad(_ engine: LedgerEngine) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 4)
    try await engine.withLedger { ledger in
      let caps: [QuotaCap] = [.route(1000), .client("token:ada", 700), .client("token:bob", 700)]
      let granted = try await withThrowingTaskGroup(of: [Int64].self) { tasks in
        for caller in 0..<64 {
          tasks.addTask {
            let loop = group.next()
            var kept: [Int64] = []
            for round in 0..<10 {
              let upload = Reservation.of(
                Int64(7 + caller % 5), takesPart: true, quotas: [caps[0], caps[1 + caller % 2]])
              do throws(any Error) {
                let lease = try await ledger.open(upload, on: loop).get()
                #expect(loop.inEventLoop == false)
                if round % 2 == 0 {
                  kept.append(lease.granted)
                } else {
                  try await ledger.release(upload.key, epoch: lease.epoch, on: loop).get()
                }
              } catch LedgerError.quota {
                continue
              }
            }
            return kept
          }
        }
        return try await tasks.reduce(into: [Int64]()) { $0 += $1 }
      }
      let route = try await ledger.allQuotas().first { $0.subject.isEmpty }
      #expect(route?.reserved == granted.reduce(0, +))
      #expect(try await ledger.allUnfinished().reduce(0) { $0 + $1.granted } == granted.reduce(0, +))
      // What is left can be had, and no byte more.
      let rest = 1000 - granted.reduce(0, +)
      if rest > 0 { _ = try await ledger.opened(.of(rest, quotas: [.route(1000)])) }
      await #expect(throws: LedgerError.quota(available: 0)) {
        try await ledger.opened(.of(1, quotas: [.route(1000)]))
      }
    }
    try await group.shutdownGracefully()
  }
}
