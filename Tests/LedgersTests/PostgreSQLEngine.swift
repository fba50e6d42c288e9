#if PostgreSQL
  import GatewayCore
  import Ledgers
  import TestPrerequisites
  import Testing

  extension LedgerEngine {
    static let postgreSQL = LedgerEngine(testDescription: "PostgreSQL") { body in
      try await withDatabase { settings in
        let ledger = try PostgreSQLLedger(settings)
        defer { ledger.close() }
        try await body(ledger)
      }
    }
  }

  /// An empty place for a ledger, for the length of a closure. What is left there must agree with itself.
  func withDatabase(_ body: (DatabaseSettings) async throws -> Void) async throws {
    try await PostgreSQLServer.required()?.withPlace { connection in
      let settings = DatabaseSettings(connection: connection, connections: 8)
      try await body(settings)
      #expect(try PostgreSQLInspection(settings).violations() == [])
    }
  }
#endif
