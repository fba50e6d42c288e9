import CSQLite
import GatewayCore
import Glibc

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
  /// On the heap, because SQLite's hook writes to it.
  private let log: UnsafeMutablePointer<LogState>
  private var isFlushing = true
  /// Of a call whose failure nobody could be told of at once; see ``heard()``.
  private var unheard: Int32 = SQLITE_OK
  private var lastFailure = Failure()

  private struct LogState {
    /// Pages in the write-ahead log after the last commit that wrote to it.
    var frames: Int32 = 0
    /// Commits that wrote to it.
    var commits: UInt64 = 0
  }

  private struct Failure {
    var code = SQLITE_OK
    var systemError: Int32 = 0
  }

  /// - Parameters:
  ///   - busyMilliseconds: how long a call waits for another process's lock.
  ///   - system: the name of SQLite's layer over the system's files (`sqlite3_vfs`); `nil` for its own.
  init(
    path: String, access: Access, busyMilliseconds: Int32, system: String? = nil
  ) throws(LedgerError) {
    let flags =
      switch access {
      case .readWrite: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      case .readOnly: SQLITE_OPEN_READONLY
      }
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, system)
    guard let opened, code == SQLITE_OK else {
      let description = Self.description(of: opened, code: code)
      sqlite3_close_v2(opened)
      throw .engine(description)
    }
    // Where it may not write, or opening for that fails for a moment, SQLite opens the file to read it and says nothing.
    if access == .readWrite, sqlite3_db_readonly(opened, "main") != 0 {
      sqlite3_close_v2(opened)
      throw .engine("it can be read and not written: give the gateway's user the right to, and start again")
    }
    handle = opened
    log = .allocate(capacity: 1)
    log.initialize(to: LogState())
    note(sqlite3_busy_timeout(handle, busyMilliseconds))
  }

  deinit {
    // Statements keep their database alive, so this is the last use of the handle.
    let code = sqlite3_close_v2(handle)
    assert(code == SQLITE_OK, "a database that cannot be closed")
    log.deallocate()
  }

  /// Notes the result of a call whose caller cannot throw.
  func note(_ code: Int32) {
    if code != SQLITE_OK, unheard == SQLITE_OK { unheard = code }
  }

  /// Throws what was noted since the last time.
  func heard() throws(LedgerError) {
    guard unheard != SQLITE_OK else { return }
    let code = unheard
    unheard = SQLITE_OK
    throw failure(code)
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

  /// Whether the last error came of a disk, or of a client's share of one, that has no room: what was to be written was
  /// not, and nothing that was written before is in doubt.
  var isFull: Bool {
    lastFailure.code & 0xff == SQLITE_FULL
      || (lastFailure.code == csqlite_write_failure && [ENOSPC, EDQUOT].contains(lastFailure.systemError))
  }

  /// Whether the last error came of reading or writing a file.
  var isDiskFailure: Bool { lastFailure.code & 0xff == SQLITE_IOERR }

  /// Whether the last error came of another connection's lock.
  var isBusy: Bool { lastFailure.code & 0xff == SQLITE_BUSY }

  /// Begins to look for an error.
  func forgetFailure() {
    lastFailure = Failure()
  }

  /// Leaves it to ``checkpoint(_:)`` when the write-ahead log is emptied: SQLite itself would do so within a commit,
  /// while the callers of that commit wait for their answer, and when it closes the file, and say of neither how it
  /// ended.
  func takeOverCheckpoints() throws(LedgerError) {
    sqlite3_wal_hook(
      handle,
      { context, _, _, frames in
        guard let log = context?.assumingMemoryBound(to: LogState.self) else { return SQLITE_OK }
        log.pointee.frames = frames
        log.pointee.commits += 1
        return SQLITE_OK
      }, log)
    let code = csqlite_no_checkpoint_on_close(handle)
    guard code == SQLITE_OK else { throw failure(code) }
  }

  /// How many transactions wrote to the log; one that changed nothing does not, and is no flush of those before it.
  var commits: UInt64 { log.pointee.commits }

  /// Pages in the log after the last of them.
  var logFrames: Int { Int(log.pointee.frames) }

  enum Checkpoint {
    /// Waits for nobody, and moves what no reader needs where it is.
    case passive
    /// Waits for readers, moves all, and cuts the log to nothing.
    case emptying

    fileprivate var mode: Int32 {
      switch self {
      case .passive: SQLITE_CHECKPOINT_PASSIVE
      case .emptying: SQLITE_CHECKPOINT_TRUNCATE
      }
    }
  }

  /// Syncs the write-ahead log, moves it into the database, and syncs that.
  ///
  /// - Returns: whether it did so with all of it; a reader in another process may have held it up.
  func checkpoint(_ kind: Checkpoint) throws(LedgerError) -> Bool {
    var frames: Int32 = 0
    var moved: Int32 = 0
    let code = sqlite3_wal_checkpoint_v2(handle, "main", kind.mode, &frames, &moved)
    switch code & 0xff {
    case SQLITE_OK:
      if kind == .emptying { log.pointee.frames = 0 }
      return frames == moved
    case SQLITE_BUSY, SQLITE_LOCKED: return false
    default: throw failure(code)
    }
  }

  /// How long a call waits for another process's lock from now on.
  func waitForLocks(milliseconds: Int32) {
    note(sqlite3_busy_timeout(handle, milliseconds))
  }

  /// `code` as an error, in SQLite's words for the last failure.
  func failure(_ code: Int32) -> LedgerError {
    lastFailure = Failure(code: code, systemError: sqlite3_system_errno(handle))
    return .engine(Self.description(of: handle, code: code))
  }

  /// `code` of a call beneath SQLite, to which `systemError` (errno) belongs.
  func failure(_ code: Int32, to what: String, systemError: Int32) -> LedgerError {
    lastFailure = Failure(code: code, systemError: systemError)
    let description = sqlite3_errstr(code).map { String(cString: $0) } ?? "no words"
    return .engine("SQLite, to \(what): \(description) (\(code))")
  }

  private static func description(of handle: OpaquePointer?, code: Int32) -> String {
    let description = handle.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
    return "SQLite: \(description.map { String(cString: $0) } ?? "no words") (\(code))"
  }
}
