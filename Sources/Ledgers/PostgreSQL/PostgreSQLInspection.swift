#if PostgreSQL
  package import GatewayCore

  /// Looks into a ``PostgreSQLLedger`` and puts it right by hand, also while gateways use it.
  ///
  /// It changes nothing of open uploads. For one thread at a time; every call blocks.
  package final class PostgreSQLInspection: LedgerInspection, LedgerCorrection {
    private let session: DatabaseSession

    /// Connects. What is there must be of this release's schema.
    ///
    /// - Throws: ``LedgerOpenError``.
    package init(_ settings: DatabaseSettings) throws(LedgerOpenError) {
      let found: SharedSchema.Found
      do throws(DatabaseFailure) {
        session = DatabaseSession(
          connection: try DatabaseConnection(settings.connection, name: settings.applicationName))
        found = try SharedSchema.inspect(session.connection)
      } catch {
        throw LedgerOpenError(error, settings)
      }
      let known = Int64(LedgerSchema.migrations.count)
      switch found {
      case .current: return
      case .nothing: throw .missing(path: settings.connection)
      case .older(let schema): throw .older(path: settings.connection, schema: schema, known: known)
      case .newer(let schema): throw .newer(path: settings.connection, schema: schema, known: known)
      }
    }

    /// What a gateway would find, without making anything: `nil` where it would start.
    package static func fault(_ settings: DatabaseSettings) -> LedgerOpenError? {
      do throws(DatabaseFailure) {
        let connection = try DatabaseConnection(settings.connection, name: settings.applicationName)
        try DatabaseServer.check(connection)
        if case .newer(let schema) = try SharedSchema.inspect(connection) {
          return .newer(path: settings.connection, schema: schema, known: Int64(LedgerSchema.migrations.count))
        }
        return nil
      } catch {
        return LedgerOpenError(error, settings)
      }
    }

    // MARK: Looking

    /// See ``/GatewayCore/LedgerInspection``. Page by page, each of which sees a moment of its own.
    package func forEach(
      of list: UploadList, _ body: (UploadRecord) throws(LedgerError) -> Bool
    ) throws(LedgerError) {
      var place: UploadListQuery.Place?
      if let after = list.after {
        guard let row = try rows(Command("SELECT route, created_at FROM upload WHERE key = $1", [after.text])).first
        else { return }
        place = .init(route: row.text(0), createdAt: row.integer(1), key: after)
      }
      while let query = UploadListQuery(list, after: place, in: .postgreSQL, limit: Self.page) {
        let command = Command(
          query.sql,
          query.values.map { value -> (any SQLValue)? in
            switch value {
            case .text(let text): text
            case .number(let number): number
            }
          })
        let records = try asking { () throws(DatabaseFailure) in try SharedCalls.records(command, in: session) }
        for record in records {
          guard try body(record) else { return }
        }
        guard records.count == Self.page, let last = records.last else { return }
        place = .init(route: last.facts.route, createdAt: last.facts.createdAt.milliseconds, key: last.key)
      }
    }

    private static let page = 1000

    /// See ``/GatewayCore/LedgerInspection``.
    package func hasUploads(of route: String) throws(LedgerError) -> Bool {
      try rows(Command("SELECT 1 FROM upload WHERE route = $1 LIMIT 1", [route])).count > 0
    }

    /// See ``/GatewayCore/LedgerInspection``.
    package func quotas() throws(LedgerError) -> [QuotaRecord] {
      try rows(Command(QuotaRecord.selection)).map { QuotaRecord(row: $0) }
    }

    /// See ``/GatewayCore/LedgerInspection``.
    package func quota(of route: String) throws(LedgerError) -> QuotaRecord? {
      try rows(Command(QuotaRecord.ofRoute, [route])).first.map { QuotaRecord(row: $0) }
    }

    /// See ``/GatewayCore/LedgerInspection``.
    package func events(_ selection: EventSelection) throws(LedgerError) -> [EventRecord] {
      try asking { () throws(DatabaseFailure) in
        try SharedCalls.events(try session.one(SharedEvents.list(selection)))
      }
    }

    /// See ``/GatewayCore/LedgerInspection``.
    package func ledgerID() throws(LedgerError) -> String {
      guard let id = try rows(Command("SELECT id FROM identity")).first?.text(0) else {
        throw .engine("the ledger is damaged: it has no name of its own")
      }
      return id
    }

    /// See ``/GatewayCore/LedgerInspection``.
    package func stores() throws(LedgerError) -> [KnownStore] {
      try rows(Command("SELECT route, id, directory FROM store ORDER BY route")).map {
        KnownStore(route: $0.text(0), id: $0.text(1), directory: $0.text(2))
      }
    }

    /// See ``/GatewayCore/LedgerInspection``. Sees one moment of the ledger.
    package func violations() throws(LedgerError) -> [LedgerViolation] {
      let rules = LedgerAudit.rules.filter { $0.name != "file" } + Self.rules
      return try asking { () throws(DatabaseFailure) in
        let answers = try session.exchange(
          [Command("BEGIN ISOLATION LEVEL REPEATABLE READ")] + rules.map { Command($0.sql) } + [.commit])
        return zip(rules, answers.dropFirst()).flatMap { rule, rows in
          rows.map { LedgerViolation(rule: rule.name, description: $0.text(0)) }
        }
      }
    }

    private static let rules: [(name: String, sql: String)] = [
      (
        "tally",
        """
        SELECT 'the tally of "' || t.subject || '" of ' || t.route || ' is ' || t.open || ', and there are ' || count(u.key)
          || ' open uploads'
        FROM tally t LEFT JOIN upload u ON u.route = t.route AND (t.subject = '' OR u.subject = t.subject) AND u.state = 'open'
        GROUP BY t.route, t.subject, t.open HAVING count(u.key) <> t.open
        """
      )
    ]

    // MARK: Putting right

    /// See ``/GatewayCore/LedgerCorrection``.
    package func forget(_ keys: [UploadKey]) throws(LedgerError) -> [UploadKey] {
      var forgotten: [UploadKey] = []
      for key in keys {
        do throws(LedgerError) {
          try asking { () throws(DatabaseFailure) in
            try SharedCalls.giveBack(key, by: SharedUploads.deleteDone(key), in: session)
          }
          forgotten.append(key)
        } catch {
          guard error == .unknown else { throw error }
        }
      }
      return forgotten
    }

    /// See ``/GatewayCore/LedgerCorrection``.
    package func sendAgain(_ selection: EventSelection) throws(LedgerError) -> Int {
      try rows(SharedEvents.sendAgain(selection, at: LedgerMaintenance.now)).affected
    }

    /// See ``/GatewayCore/LedgerCorrection``.
    package func forgetEvents(_ selection: EventSelection) throws(LedgerError) -> Int {
      try rows(SharedEvents.forget(selection)).affected
    }

    /// See ``/GatewayCore/LedgerCorrection``.
    package func note(_ store: KnownStore) throws(LedgerError) {
      _ = try rows(
        Command(
          """
          INSERT INTO store (route, id, directory) VALUES ($1, $2, $3)
          ON CONFLICT (route) DO UPDATE SET id = excluded.id, directory = excluded.directory
          """, [store.route, store.id, store.directory]))
    }

    private func rows(_ command: Command) throws(LedgerError) -> Rows {
      try asking { () throws(DatabaseFailure) in try session.one(command) }
    }

    /// Tries again what met another's transaction.
    private func asking<Value>(_ body: () throws(DatabaseFailure) -> Value) throws(LedgerError) -> Value {
      var attempts = 0
      while true {
        do throws(DatabaseFailure) {
          return try body()
        } catch {
          if case .lost(let what) = error { throw .engine("the connection to the database is lost: \(what)") }
          if session.connection.isInTransaction { _ = try? session.rollBack() }
          attempts += 1
          guard case .again = error, attempts < 20 else { throw error.asLedgerError }
        }
      }
    }
  }
#endif
