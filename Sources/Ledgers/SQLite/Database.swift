import CSQLite
import GatewayCore

/// One connection to one SQLite file, for one thread at a time.
///
/// Failures are ``LedgerError/engine(_:)`` in SQLite's words.
final class Database {
  /// How the file is opened.
  enum Access {
    /// Made where it is missing.
    case readWrite
    /// Looks on while another process writes.
    case readOnly
  }

  let handle: OpaquePointer
  /// Frames in the write-ahead log after the last commit. On the heap, because SQLite's hook writes to it.
  private let logFrames: UnsafeMutablePointer<Int32>
  private var isFlushing = true

  /// - Parameter busyMilliseconds: how long a call waits for another process's lock.
  init(path: String, access: Access, busyMilliseconds: Int32) throws(LedgerError) {
    let flags =
      switch access {
      case .readWrite: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      case .readOnly: SQLITE_OPEN_READONLY
      }
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard let opened, code == SQLITE_OK else {
      let words = Self.words(of: opened, code: code)
      sqlite3_close_v2(opened)
      throw .engine(words)
    }
    handle = opened
    logFrames = .allocate(capacity: 1)
    logFrames.initialize(to: 0)
    sqlite3_busy_timeout(handle, busyMilliseconds)
  }

  deinit {
    // Statements keep their database alive, so this is the last use of the handle; the last connection of all
    // processes also empties the write-ahead log here.
    sqlite3_close_v2(handle)
    logFrames.deallocate()
  }

  /// Runs statements that bind nothing and whose rows nobody wants.
  func execute(_ sql: String) throws(LedgerError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw failure(code) }
  }

  /// The first column of the first row, as a number.
  func number(_ sql: String) throws(LedgerError) -> Int64 {
    let statement = try Statement(sql, in: self)
    defer { statement.reset() }
    return try statement.step() ? statement.integer(0) : 0
  }

  /// The first column of the first row, as text.
  func text(_ sql: String) throws(LedgerError) -> String {
    let statement = try Statement(sql, in: self)
    defer { statement.reset() }
    return try statement.step() ? statement.text(0) : ""
  }

  /// Whether the next commit waits until it is on the disk, with all that came before it. At first it does.
  ///
  /// Without, the write-ahead log is only written: a power cut may take back the last commits, in order and whole
  /// (sqlite.org, PRAGMA synchronous: in WAL mode NORMAL keeps the file consistent).
  func setFlush(_ isFlushing: Bool) throws(LedgerError) {
    guard isFlushing != self.isFlushing else { return }
    try execute("PRAGMA synchronous = \(isFlushing ? "FULL" : "NORMAL")")
    self.isFlushing = isFlushing
  }

  /// Whether a transaction is open. Some failures (full disk, I/O) end it without being asked.
  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// The primary code of the last failure.
  var lastCode: Int32 { sqlite3_errcode(handle) & 0xff }

  /// Leaves it to ``checkpoint(above:)`` when the write-ahead log is emptied: SQLite itself would do so within a
  /// commit, while the callers of that commit wait for their answer.
  func takeOverCheckpoints() {
    sqlite3_wal_hook(
      handle,
      { context, _, _, frames in
        context?.storeBytes(of: frames, as: Int32.self)
        return SQLITE_OK
      }, logFrames)
  }

  /// Moves the write-ahead log into the database, where it is longer than `frames` pages. A reader in another process
  /// may hold it up; then the next one goes on with it. Failing costs nothing but the log's growth.
  func checkpoint(above frames: Int32) {
    guard logFrames.pointee > frames else { return }
    sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
    logFrames.pointee = 0
  }

  /// Moves all of the write-ahead log into the database, syncs that, and begins the log anew. Waits for readers.
  func emptyLog() throws(LedgerError) {
    try setFlush(true)
    var code = SQLITE_OK
    // The system tells each open file once of a failure that is over, and then the first attempt fails for that alone.
    for _ in 0..<2 {
      code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
      if code == SQLITE_OK { return }
    }
    throw failure(code)
  }

  /// `code` as an error, in SQLite's words for the last failure.
  func failure(_ code: Int32) -> LedgerError {
    .engine(Self.words(of: handle, code: code))
  }

  private static func words(of handle: OpaquePointer?, code: Int32) -> String {
    let words = handle.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
    return "SQLite: \(words.map { String(cString: $0) } ?? "no words") (\(code))"
  }
}
