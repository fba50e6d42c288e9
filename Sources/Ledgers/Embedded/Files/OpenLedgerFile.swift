import GatewayCore
import Glibc

extension Database {
  /// Opens a ledger for the one process that writes it, with the room of its reserve where the disk is full.
  static func openWithReserve(
    path: String, busyMilliseconds: Int32, system: String?
  ) throws(LedgerOpenError) -> Database {
    do throws(LedgerOpenError) {
      return try openForWriting(path: path, busyMilliseconds: busyMilliseconds, system: system)
    } catch {
      guard case .engine = error, LedgerReserve.giveUpReserve(of: path) else { throw error }
      return try openForWriting(path: path, busyMilliseconds: busyMilliseconds, system: system)
    }
  }

  /// Opens a ledger for the one process that writes it, makes it where it is missing, and brings it up to date. All that
  /// it holds is then on the disk, also its name in its folder.
  static func openForWriting(
    path: String, busyMilliseconds: Int32, system: String? = nil
  ) throws(LedgerOpenError) -> Database {
    // Keys are secrets (protocol.md, section 5). SQLite gives its other files the mode of this one.
    let made = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if made >= 0 { Glibc.close(made) }
    do {
      let database = try Database(
        path: path, access: .readWrite, busyMilliseconds: busyMilliseconds, system: system)
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
      // What is taken back within a transaction is kept where no full disk can hinder it.
      try database.execute("PRAGMA temp_store = MEMORY")
      // Free pages are written like all others, and hold their place in the file.
      try database.execute("PRAGMA secure_delete = ON")
      try database.takeOverCheckpoints()
      // The process before may have ended between a write that failed and its repair, and this one's files hear nothing
      // of it. What it did not flush is flushed so, too.
      try WriteAheadLog(of: database).makeWhole()
      try LedgerSchema.migrate(database, from: schema)
      try StoreTable.nameLedger(in: database)
      try syncFolder(of: path)
      return database
    } catch {
      throw LedgerOpenError(wrapping: error, path: path)
    }
  }

  /// SQLite does so for its log, and looks away if it fails.
  private static func syncFolder(of path: String) throws(LedgerError) {
    let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { if descriptor >= 0 { Glibc.close(descriptor) } }
    guard descriptor >= 0, fsync(descriptor) == 0 else {
      throw .engine("syncing \(folder): \(String(cString: strerror(errno)))")
    }
  }

  /// Opens a ledger to put right by hand, also while a gateway writes it. It is neither made nor brought up to date.
  static func openForMaintenance(path: String, busyMilliseconds: Int32) throws(LedgerOpenError) -> Database {
    try open(path: path, access: .readWrite, busyMilliseconds: busyMilliseconds) { database throws(LedgerError) in
      try database.execute("PRAGMA synchronous = FULL")
      try database.takeOverCheckpoints()
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
    case LedgerError.engine(let description): self = .engine(path: path, description: description)
    default: self = .engine(path: path, description: "\(error)")
    }
  }
}
