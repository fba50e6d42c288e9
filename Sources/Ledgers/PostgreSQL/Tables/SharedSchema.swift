#if PostgreSQL
  import GatewayCore

  /// What is in a ledger that several gateways share, and how an older one is brought up to date.
  ///
  /// It has two parts, each with a version of its own: that of every ledger (``LedgerSchema``), and what gateways need to get
  /// along with each other.
  enum SharedSchema {
    /// The version that this release writes and reads, of each part.
    private static let known: [(part: String, migrations: [String])] = [
      ("ledger", LedgerSchema.migrations), ("shared", migrations),
    ]

    /// As in ``LedgerSchema/migrations``: what was released never changes.
    private static let migrations = [
      // A row of `gateway` is a lease on all that its holder has, by the database's clock. A `tally` is how many uploads are open
      // of a route (an empty subject) and of each client of it; `most` follows the limit, as a quota's cap does.
      """
      CREATE TABLE gateway (
        holder text NOT NULL PRIMARY KEY,
        since bigint NOT NULL,
        lease_until bigint NOT NULL);

      CREATE TABLE tally (
        route text NOT NULL,
        subject text NOT NULL,
        open bigint NOT NULL CHECK (open >= 0),
        most bigint NOT NULL,
        CONSTRAINT tally_most CHECK (open <= most),
        PRIMARY KEY (route, subject));

      ALTER TABLE upload ADD COLUMN wanted_by text;

      CREATE INDEX upload_wanted ON upload (holder) WHERE wanted_by IS NOT NULL;
      """
    ]

    /// What a database turned out to have.
    enum Found: Equatable {
      case nothing
      case current
      case older(schema: Int64)
      case newer(schema: Int64)
    }

    /// Looks without changing anything.
    static func inspect(_ connection: DatabaseConnection) throws(DatabaseFailure) -> Found {
      guard let versions = try versions(connection) else { return .nothing }
      for (part, migrations) in known where versions[part, default: 0] > migrations.count {
        return .newer(schema: versions[part, default: 0])
      }
      for (part, migrations) in known where versions[part, default: 0] < migrations.count {
        return .older(schema: versions[part, default: 0])
      }
      return .current
    }

    /// Makes what is missing, or brings it up to date. Several gateways may do so at once: each step is a transaction that
    /// begins with the version's own row, and only one of them finds it as it was.
    ///
    /// - Returns: what there is then.
    static func migrate(_ connection: DatabaseConnection) throws(DatabaseFailure) -> Found {
      var attempts = 0
      while true {
        let found = try inspect(connection)
        let steps: [Command]
        switch found {
        case .current, .newer: return found
        case .nothing: steps = beginning
        case .older: steps = try nextStep(connection)
        }
        do throws(DatabaseFailure) {
          try connection.exchange([.begin] + steps + [.commit], within: 60_000)
        } catch {
          if case .lost = error { throw error }
          if connection.isInTransaction { try connection.exchange([.rollback]) }
          attempts += 1
          // Another gateway has mostly done the same just now, and then it is there.
          if attempts == 20 { throw error }
        }
      }
    }

    private static func versions(_ connection: DatabaseConnection) throws(DatabaseFailure) -> [String: Int64]? {
      let there = Command(
        """
        SELECT count(*) FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_name = 'ledger_schema'
        """)
      guard try connection.exchange([there]).first?.first?.integer(0) ?? 0 > 0 else { return nil }
      let rows = try connection.exchange([Command("SELECT part, version FROM ledger_schema")]).first
      return Dictionary(
        rows?.map { ($0.text(0), $0.integer(1)) } ?? [], uniquingKeysWith: { first, _ in first })
    }

    private static var beginning: [Command] {
      [Command("CREATE TABLE ledger_schema (part text NOT NULL PRIMARY KEY, version bigint NOT NULL)")]
        + known.map { Command("INSERT INTO ledger_schema (part, version) VALUES ('\($0.part)', 0)") }
    }

    private static func nextStep(_ connection: DatabaseConnection) throws(DatabaseFailure) -> [Command] {
      let versions = try versions(connection) ?? [:]
      for (part, migrations) in known {
        let version = versions[part, default: 0]
        guard version < migrations.count else { continue }
        var steps = [
          Command("UPDATE ledger_schema SET version = \(version + 1) WHERE part = '\(part)' AND version = \(version)")
        ]
        // The server takes one statement at a time.
        steps += migrations[Int(version)].split(separator: ";").map { $0.trimming { $0.isWhitespace } }
          .filter { !$0.isEmpty }.map { Command(String($0)) }
        if part == "shared", version == 0 {
          steps.append(Command("INSERT INTO identity (id) VALUES ($1)", [UploadKey.mint().text]))
        }
        return steps
      }
      return []
    }
  }

  extension Substring {
    fileprivate func trimming(while isOutside: (Character) -> Bool) -> Substring {
      var text = drop(while: isOutside)
      while let last = text.last, isOutside(last) { text.removeLast() }
      return text
    }
  }
#endif
