#if PostgreSQL
  import GatewayCore
  import Ledgers
  import NIOCore
  import TestPrerequisites
  import Testing

  /// What holds where several gateways have one ledger in a database.
  @Suite("A ledger of several gateways", .timeLimit(.minutes(1)))
  struct SeveralGatewaysTests {
    /// Two gateways over one ledger, as `gateway-1` and `gateway-2`.
    private func withTwo(
      _ body: (PostgreSQLLedger, PostgreSQLLedger, DatabaseSettings) async throws -> Void
    ) async throws {
      try await withDatabase { settings in
        let one = try PostgreSQLLedger(settings)
        let other = try PostgreSQLLedger(settings)
        defer { for ledger in [one, other] { ledger.close() } }
        try await body(one, other, settings)
      }
    }

    @Test("An upload is its holder's for as long as the lease runs, and the holder hears who waits")
    func holds() async throws {
      try await withTwo { one, other, _ in
        _ = try await one.begin(of: "gateway-1", for: 60_000, on: anyLoop).get()
        let upload = Reservation.of(100)
        _ = try await one.opened(upload)
        #expect(try await one.wanted(of: "gateway-1", on: anyLoop).get().isEmpty)
        await #expect(throws: LedgerError.held(by: "gateway-1")) {
          try await other.tookOver(.of(upload.key, wanted: 100))
        }
        let wanted = WantedUpload(key: upload.key, epoch: 1, route: "/files")
        #expect(try await one.wanted(of: "gateway-1", on: anyLoop).get() == [wanted])
        #expect(try await other.unfinished(of: "gateway-2", on: anyLoop).get().isEmpty)
        #expect(
          try await other.expired(at: WallTime(milliseconds: .max), of: "gateway-2", on: anyLoop).get().isEmpty)
        try await one.advanced(upload.key, from: 0, to: 40, endsLease: true)
        let lease = try await other.tookOver(.of(upload.key, wanted: 100))
        #expect(lease.committed == 40 && lease.epoch == 2)
        #expect(try await one.wanted(of: "gateway-1", on: anyLoop).get().isEmpty)
        await #expect(throws: LedgerError.fenced) { try await one.advanced(upload.key, from: 40, to: 50) }
      }
    }

    @Test("A lease that has run out by the database's clock frees what was held, and cannot be prolonged")
    func runsOut() async throws {
      try await withTwo { one, other, _ in
        _ = try await one.begin(of: "gateway-1", for: 1, on: anyLoop).get()
        let upload = Reservation.of(100)
        _ = try await one.opened(upload)
        // It was a millisecond's, by a clock that has gone on since.
        while try await one.prolong(of: "gateway-1", for: 1, on: anyLoop).get().isHeld {}
        #expect(try await other.unfinished(of: "gateway-2", on: anyLoop).get().map(\.key) == [upload.key])
        // Until somebody takes it, it is the last holder's.
        try await one.advanced(upload.key, from: 0, to: 10)
        #expect(try await other.tookOver(.of(upload.key, wanted: 100)).committed == 10)
        await #expect(throws: LedgerError.fenced) { try await one.completed(upload.key, size: 100) }
        #expect(try await one.begin(of: "gateway-1", for: 60_000, on: anyLoop).get().isHeld)
        #expect(try await one.prolong(of: "gateway-1", for: 60_000, on: anyLoop).get().isHeld)
      }
    }

    @Test("A gateway that lets go, and one that leaves, free what they held")
    func letsGo() async throws {
      try await withTwo { one, other, _ in
        _ = try await one.begin(of: "gateway-1", for: 60_000, on: anyLoop).get()
        let uploads = [Reservation.of(10), Reservation.of(10)]
        for upload in uploads { _ = try await one.opened(upload) }
        for upload in uploads {
          await #expect(throws: LedgerError.self) { try await other.tookOver(.of(upload.key, wanted: 10)) }
        }
        let stale = WantedUpload(key: uploads[0].key, epoch: 0, route: "/files")
        try await one.letGo(of: stale, by: "gateway-1", on: anyLoop).get()
        await #expect(throws: LedgerError.self) { try await other.tookOver(.of(uploads[0].key, wanted: 10)) }
        let wanted = WantedUpload(key: uploads[0].key, epoch: 1, route: "/files")
        try await one.letGo(of: wanted, by: "gateway-1", on: anyLoop).get()
        #expect(try await other.tookOver(.of(uploads[0].key, wanted: 10)).epoch == 2)
        try await one.end(of: "gateway-1", on: anyLoop).get()
        #expect(try await other.tookOver(.of(uploads[1].key, wanted: 10)).epoch == 2)
      }
    }

    @Test("Gateways that begin, end and drop uploads at once never pass a quota, a window or a limit")
    func isExact() async throws {
      try await withTwo { one, other, settings in
        let caps: [QuotaCap] = [
          .route(1000), .client("token:ada", 700), .client("", 900, window: 60, length: 60),
        ]
        let answers = await withTaskGroup(of: (PostgreSQLLedger, UploadKey, Int64)?.self) { group in
          for number in 0..<300 {
            let ledger = number % 2 == 0 ? one : other
            group.addTask {
              let upload = Reservation.of(13, takesPart: true, quotas: caps, unfinishedLimit: 40)
              guard let lease = try? await ledger.opened(upload) else { return nil }
              // Two in three make room again.
              switch number % 3 {
              case 1 where lease.granted == 13: try? await ledger.completed(upload.key, size: 13)
              case 0, 1: try? await ledger.released(upload.key)
              default: return (ledger, upload.key, lease.granted)
              }
              return nil
            }
          }
          var left: [(PostgreSQLLedger, UploadKey, Int64)] = []
          for await answer in group { if let answer { left.append(answer) } }
          return left
        }
        #expect(answers.count <= 40)
        let quotas = try await one.allQuotas()
        for quota in quotas { #expect(quota.used + quota.reserved <= quota.cap) }
        #expect(try PostgreSQLInspection(settings).violations() == [])
        for (ledger, key, _) in answers { try await ledger.released(key) }
        #expect(try await one.allQuotas().allSatisfy { $0.reserved == 0 })
      }
    }

    @Test("Of several takers at once one gets an upload at a time, each with a higher epoch")
    func oneTaker() async throws {
      try await withTwo { one, other, _ in
        let upload = Reservation.of(100)
        _ = try await one.opened(upload)
        let epochs = try await withThrowingTaskGroup(of: Int64.self) { group in
          for number in 0..<40 {
            group.addTask { try await (number % 2 == 0 ? one : other).tookOver(.of(upload.key, wanted: 100)).epoch }
          }
          return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(epochs == Set(2...41))
      }
    }

    @Test("Several gateways make the ledger at once, and have one")
    func makesOnce() async throws {
      try await withDatabase { settings in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<6 {
            group.addTask {
              let ledger = try PostgreSQLLedger(settings)
              _ = try await ledger.opened(.of(10))
              ledger.close()
            }
          }
          try await group.waitForAll()
        }
        let inspection = try PostgreSQLInspection(settings)
        #expect(try inspection.uploads(state: .open, route: nil).count == 6)
        #expect(try !inspection.ledgerID().isEmpty)
      }
    }

    @Test("Calls go on when the server has ended all connections, and none is done twice or lost")
    func reconnects() async throws {
      try await withTwo { one, _, settings in
        let upload = Reservation.of(100_000, quotas: [.route(200_000)])
        _ = try await one.opened(upload)
        let steps = (0..<1000).map { offset in
          one.advance(
            Advance(
              key: upload.key, epoch: 1, from: offset, to: offset + 1, expiresAt: WallTime(milliseconds: 9000)),
            on: anyLoop)
        }
        let others = (0..<200).map { _ in one.open(.of(1, quotas: [.route(200_000)]), on: anyLoop) }
        for _ in 0..<5 {
          try PostgreSQLServer.shared?.run(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'sluice' AND pid <> pg_backend_pid()
            """)
        }
        for step in steps { try await step.get() }
        for other in others { _ = try await other.get() }
        #expect(try await one.found(upload.key)?.committed == 1000)
        #expect(try await one.allUnfinished().count == 201)
      }
    }

    @Test("A ledger that is closed says so, and one without a database does not begin")
    func saysWhy() async throws {
      try await withDatabase { settings in
        let ledger = try PostgreSQLLedger(settings)
        ledger.close()
        await #expect(throws: LedgerError.engine("the ledger is closed")) { try await ledger.opened(.of(1)) }
      }
      #expect(throws: LedgerOpenError.self) {
        try PostgreSQLLedger(DatabaseSettings(connection: "host=/nonexistent user=nobody"))
      }
    }

    @Test("A password in a connection is refused, and never repeated")
    func hidesPasswords() throws {
      for text in [
        "postgresql://sluice:hunter22@db.example/sluice", "host=db.example password=hunter22",
        "host=db.example password = 'hunter22", "postgresql://sluice@db.example/sluice?password=hunter22",
      ] {
        let fault = try #require(ConnectionText.fault(in: text))
        #expect(!(fault.message + fault.hint).contains("hunter22"))
      }
      for text in ["service=sluice", "postgresql://sluice@db.example,other.example/sluice", ""] {
        #expect(ConnectionText.fault(in: text) == nil)
      }
    }
  }
#endif
