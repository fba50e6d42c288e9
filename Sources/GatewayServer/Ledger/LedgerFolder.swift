import GatewayCore
import Ledgers
import Logging

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The folder of what the gateway remembers between two runs.
package struct LedgerFolder: Sendable {
  /// Absolute.
  package let path: String

  /// Where the ledger is, if it is not in the folder.
  let database: DatabaseSettings?

  /// - Parameter path: absolute; need not exist.
  package init(path: String) {
    self.path = path
    database = nil
  }

  /// What a gateway of this configuration remembers.
  package init(_ configuration: Configuration) {
    path = configuration.state
    database = configuration.database
  }

  /// What messages call the ledger.
  var shown: String { database?.connection ?? ledgerPath }

  /// Where the ledger is.
  package var ledgerPath: String { path + "/ledger.sqlite" }

  /// The process of the gateway that has the ledger at this moment; `nil` where none has.
  package var holder: Int32? { EmbeddedLedger.holder(of: ledgerPath) }

  /// Opens the ledger; makes the folder, for its owner alone, where it is missing.
  ///
  /// - Parameters:
  ///   - observer: hears how its transactions end.
  ///   - logger: is told what an operator should hear of the ledger while it is open.
  /// - Throws: ``LedgerFolderError`` or `LedgerOpenError`.
  func openLedger(observer: (any LedgerObserver)? = nil, logger: Logger? = nil) throws -> any ServedLedger {
    try make()
    let tell: @Sendable (LedgerNotice) -> Void = { notice in
      if let logger { notice.log(to: logger) }
    }
    guard let database else { return try EmbeddedLedger(path: ledgerPath, observer: observer, onNotice: tell) }
    #if PostgreSQL
      return try PostgreSQLLedger(database, besides: ledgerPath, onNotice: tell)
    #else
      throw DatabaseReading.notBuilt(database)
    #endif
  }

  /// The ledger for those who look on, also while a gateway uses it.
  ///
  /// - Throws: `LedgerOpenError`.
  func inspect() throws -> any LedgerInspection {
    guard let database else { return try LedgerReader(path: ledgerPath) }
    #if PostgreSQL
      return try PostgreSQLInspection(database)
    #else
      throw DatabaseReading.notBuilt(database)
    #endif
  }

  /// The ledger for those who put it right, also while a gateway uses it.
  ///
  /// - Throws: `LedgerOpenError`.
  func correct() throws -> any LedgerCorrection {
    guard let database else { return try LedgerMaintenance(path: ledgerPath) }
    #if PostgreSQL
      return try PostgreSQLInspection(database)
    #else
      throw DatabaseReading.notBuilt(database)
    #endif
  }

  /// Makes the folder, durably, where it is missing.
  func make() throws(LedgerFolderError) {
    var made = ""
    for part in path.split(separator: "/") {
      made += "/" + part
      if mkdir(made, 0o700) == 0 {
        try sync(String(made.dropLast(part.utf8.count)))
      } else if errno != EEXIST {
        throw LedgerFolderError(path: made, cause: String(cString: strerror(errno)))
      }
    }
  }

  /// A power cut must not take away the folder of a ledger in which something is safe.
  private func sync(_ folder: String) throws(LedgerFolderError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { if descriptor >= 0 { close(descriptor) } }
    guard descriptor >= 0, fsync(descriptor) == 0 else {
      throw LedgerFolderError(path: folder, cause: "syncing it: \(String(cString: strerror(errno)))")
    }
  }
}

/// The state folder cannot be made.
package struct LedgerFolderError: Error, CustomStringConvertible {
  let path: String
  let cause: String

  /// What was wrong, where, and what to do.
  package var description: String {
    "the state folder \(path) cannot be made (\(cause)): make it, or name another one in `state`"
  }
}
