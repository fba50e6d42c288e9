import GatewayCore
import Glibc

extension Database {
  /// Opens a ledger for the one process that writes it, makes it where it is missing, and brings it up to date.
  static func openForWriting(path: String, busyMilliseconds: Int32) throws(LedgerOpenError) -> Database {
    // Keys are secrets (protocol.md, section 5). SQLite gives its other files the mode of this one.
    let made = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if made >= 0 { Glibc.close(made) }
    do {
      let database = try Database(path: path, access: .readWrite, busyMilliseconds: busyMilliseconds)
      let schema: Int64
      switch try LedgerSchema.inspect(database) {
      case .nothing: schema = 0
      case .ledger(let stored): schema = stored
      case .foreign: throw LedgerOpenError.foreign(path: path)
      }
      guard (0...LedgerSchema.known).contains(schema) else {
        throw LedgerOpenError.newer(path: path, schema: schema, known: LedgerSchema.known)
      }
      let journal = try database.text("PRAGMA journal_mode = WAL")
      guard journal == "wal" else {
        throw LedgerOpenError.unsafe(path: path, setting: "its journal mode is \(journal) and not wal")
      }
      try database.execute("PRAGMA synchronous = FULL")
      let synchronous = try database.number("PRAGMA synchronous")
      guard synchronous == 2 else {
        throw LedgerOpenError.unsafe(path: path, setting: "its synchronous mode is \(synchronous) and not 2 (FULL)")
      }
      // In bytes: how much of a log that grew long stays on disk once it was moved into the database.
      try database.execute("PRAGMA journal_size_limit = 67108864")
      try LedgerSchema.migrate(database, from: schema)
      try StoreTable.nameLedger(in: database)
      return database
    } catch {
      throw LedgerOpenError(wrapping: error, path: path)
    }
  }

  /// Opens a ledger to put right by hand, also while a gateway writes it. It is neither made nor brought up to date.
  static func openForMaintenance(path: String, busyMilliseconds: Int32) throws(LedgerOpenError) -> Database {
    try open(path: path, access: .readWrite, busyMilliseconds: busyMilliseconds) { database throws(LedgerError) in
      try database.execute("PRAGMA synchronous = FULL")
    }
  }

  /// Opens a ledger to look at, also while a gateway writes it.
  static func openForReading(path: String, busyMilliseconds: Int32) throws(LedgerOpenError) -> Database {
    try open(path: path, access: .readOnly, busyMilliseconds: busyMilliseconds) { _ in }
  }

  private static func open(
    path: String, access: Access, busyMilliseconds: Int32, _ prepare: (Database) throws(LedgerError) -> Void
  ) throws(LedgerOpenError) -> Database {
    guard Glibc.access(path, F_OK) == 0 else { throw .missing(path: path) }
    do {
      let database = try Database(path: path, access: access, busyMilliseconds: busyMilliseconds)
      switch try LedgerSchema.inspect(database) {
      case .nothing, .foreign:
        throw LedgerOpenError.foreign(path: path)
      case .ledger(let schema) where schema > LedgerSchema.known:
        throw LedgerOpenError.newer(path: path, schema: schema, known: LedgerSchema.known)
      case .ledger(let schema) where schema < LedgerSchema.known:
        throw LedgerOpenError.older(path: path, schema: schema, known: LedgerSchema.known)
      case .ledger:
        try prepare(database)
        return database
      }
    } catch {
      throw LedgerOpenError(wrapping: error, path: path)
    }
  }
}

extension LedgerOpenError {
  init(wrapping error: any Error, path: String) {
    switch error {
    case let error as LedgerOpenError: self = error
    case LedgerError.engine(let words): self = .engine(path: path, words: words)
    default: self = .engine(path: path, words: "\(error)")
    }
  }
}
