import CSQLite
import GatewayCore
import Glibc

/// One of the files that a ``Database`` has open, beneath SQLite.
///
/// It is SQLite's own descriptor: closing another one of a database would end the locks that this process has on it.
struct EngineFile {
  enum Kind {
    case database
    case log

    fileprivate var operation: Int32 {
      switch self {
      case .database: SQLITE_FCNTL_FILE_POINTER
      case .log: SQLITE_FCNTL_JOURNAL_POINTER
      }
    }
  }

  private let database: Database
  private let file: UnsafeMutablePointer<sqlite3_file>
  private let methods: sqlite3_io_methods

  /// - Parameter database: one that has been read, so that its files are open.
  init(_ kind: Kind, of database: Database) throws(LedgerError) {
    var file: UnsafeMutablePointer<sqlite3_file>?
    let code = sqlite3_file_control(database.handle, "main", kind.operation, &file)
    guard code == SQLITE_OK else { throw database.failure(code) }
    guard let file, let methods = file.pointee.pMethods else { throw .engine("SQLite has not opened its \(kind)") }
    self.database = database
    self.file = file
    self.methods = methods.pointee
  }

  var size: Int64 {
    get throws(LedgerError) {
      var size: Int64 = 0
      try check(methods.xFileSize(file, &size), "size")
      return size
    }
  }

  /// Fails where there is less to read.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(LedgerError) {
    try check(methods.xRead(file, buffer.baseAddress, Int32(buffer.count), offset), "read")
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(LedgerError) {
    try check(methods.xWrite(file, bytes.baseAddress, Int32(bytes.count), offset), "write")
  }

  func sync() throws(LedgerError) {
    try check(methods.xSync(file, SQLITE_SYNC_NORMAL), "sync")
  }

  /// The first 32 KiB of what SQLite shares with other processes about the log.
  func sharedMemory() throws(LedgerError) -> UnsafeMutableRawPointer {
    var region: UnsafeMutableRawPointer?
    // `volatile` is more than Swift knows; whoever writes here holds a lock, and so does the caller.
    try check(methods.xShmMap(file, 0, 32768, 0, &region), "map")
    guard let region else { throw .engine("SQLite has no shared memory") }
    return region
  }

  /// Runs `body` while no other connection moves pages from the log into the database.
  func withoutCheckpoints(_ body: () -> Void) throws(LedgerError) {
    let lock: Int32 = 1  // WAL_CKPT_LOCK
    try check(methods.xShmLock(file, lock, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE), "lock")
    body()
    methods.xShmBarrier(file)
    try check(methods.xShmLock(file, lock, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE), "unlock")
  }

  private func check(_ code: Int32, _ what: String) throws(LedgerError) {
    guard code != SQLITE_OK else { return }
    throw database.failure(code, to: what, systemError: errno)
  }
}
