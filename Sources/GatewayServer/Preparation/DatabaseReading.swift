import ConfigurationReading
import Glibc
import Ledgers

/// Reads `ledger`, and looks at the database that it names.
enum DatabaseReading {
  /// `nil` where the ledger is in its file.
  ///
  /// - Parameter name: the gateway's own.
  static func read(_ top: inout MappingReader, name: String) -> DatabaseSettings? {
    guard top.has("ledger") else { return nil }
    var section = top.section("ledger")
    defer { section.finish() }
    let connections = section.optional("connections", as: .count(in: 1...64))
    guard let connection = section.required("postgresql", as: .connection) else { return nil }
    return DatabaseSettings(connection: connection.value, connections: connections?.value ?? 8, name: name)
  }

  /// Connects, for as long as it takes to see whether a gateway would start; changes nothing.
  static func look(at configuration: Configuration, _ findings: inout Findings) {
    #if PostgreSQL
      guard let database = configuration.database, let fault = PostgreSQLInspection.fault(database) else { return }
      findings.add(
        .error, fault.description,
        hint: "see that the database runs and lets this user in: `psql '\(database.connection)'`",
        at: configuration.origin.keys["ledger"])
    #endif
  }

  /// The files that libpq reads for a connection, as far as the configuration or the environment names them.
  static func files(of database: DatabaseSettings) -> [String] {
    let names: [String] = ["PGPASSFILE", "PGSERVICEFILE", "PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT", "PGSSLCRL"]
    var files = names.compactMap { (name: String) -> String? in environment(name) }
    #if PostgreSQL
      files += ConnectionText.files(in: database.connection)
    #endif
    return files.filter { $0.hasPrefix("/") }
  }

  /// Where libpq looks where nothing is named. Of the home only what is libpq's own.
  static var places: [String] {
    let home = environment("HOME") ?? "/root"
    return [
      home + "/.pgpass", home + "/.pg_service.conf", home + "/.postgresql", "/etc/postgresql-common", "/etc/passwd",
    ]
  }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Why a database cannot be used by this binary.
  static func notBuilt(_ database: DatabaseSettings) -> LedgerOpenError {
    .engine(path: database.connection, description: notBuiltWords.message + ": " + notBuiltWords.hint)
  }

  fileprivate static let notBuiltWords = (
    message: "a ledger in PostgreSQL needs libpq, which this sluice was built without",
    hint: "build sluice with the package trait PostgreSQL (`swift build --traits default,PostgreSQL`)"
  )
}

extension ValueParser where Value == String {
  /// A connection string or URL of libpq's, without a password.
  fileprivate static var connection: ValueParser {
    let expected = "a connection, as `service=sluice` or `postgresql://sluice@db.example/sluice`"
    return ValueParser(expected: expected) { text, _ throws(ValueFault) in
      #if PostgreSQL
        if let fault = ConnectionText.fault(in: text) { throw ValueFault(message: fault.message, hint: fault.hint) }
        return text
      #else
        throw ValueFault(
          message: DatabaseReading.notBuiltWords.message, hint: DatabaseReading.notBuiltWords.hint)
      #endif
    }
  }
}
