import CLinux
import GatewayCore
import Glibc

/// Room on the ledger's disk that nobody else can take, so that what ends an upload can be written where the disk is full.
///
/// It is in three places:
///
/// - behind the end of the log, taken by fallocate(2) a step ahead of what is written. SQLite never cuts a log of usual
///   size, but writes it again from its beginning, so that this room lasts;
/// - as free pages in the database, which a page that is split takes first. All others are written in place;
/// - in a file of its own, given up when a write fails all the same: for the first pages of SQLite's shared memory at a
///   start, and for file systems on which writing in place takes room.
///
/// While one of them is not there nothing new is begun. For the writer's thread.
final class LedgerReserve {
  private let database: Database
  private let path: String
  private let log: CInt
  private let sizes: Sizes
  private let reserve: ReserveFile
  private let unflushed: UnflushedCommits
  private let tell: @Sendable (LedgerNotice) -> Void
  /// Behind the log's beginning, in bytes.
  private var allocated: Int64 = 0
  private var freePages: Int64 = 0
  /// Whether all of it was there at the last look; `nil` before the first.
  private var wasThere: Bool?

  /// On a small disk they are a small part of it.
  struct Sizes {
    /// Of the log that is still free, in bytes.
    var log: Int64
    /// Of the reserve file, in bytes.
    var file: Int64
    var freePages: Int64

    init(path: String) {
      var system = statvfs()
      let hasSize = statvfs(path, &system) == 0 && system.f_blocks > 0
      let total = hasSize ? Int64(system.f_blocks) * Int64(system.f_frsize) : .max
      log = min(4 << 20, total / 16)
      file = min(1 << 20, total / 64)
      freePages = min(256, total / 64 / 4096)
    }
  }

  /// - Parameter path: of the ledger, which has been read, so that its log is there.
  init(
    _ database: Database, path: String, unflushed: UnflushedCommits, tell: @escaping @Sendable (LedgerNotice) -> Void
  ) throws(LedgerError) {
    self.database = database
    self.unflushed = unflushed
    self.path = path
    self.tell = tell
    sizes = Sizes(path: path)
    reserve = Self.reserve(of: path, sizes)
    log = open(path + "-wal", O_WRONLY | O_CLOEXEC)
    guard log >= 0 else { throw .engine("opening \(path)-wal: \(String(cString: strerror(errno)))") }
  }

  deinit {
    close(log)
  }

  /// For one who cannot open the ledger at `path`.
  ///
  /// - Returns: whether the disk was short of room and the reserve's is now free.
  static func giveUpReserve(of path: String) -> Bool {
    let reserve = reserve(of: path, Sizes(path: path))
    var system = statvfs()
    guard statvfs(path, &system) == 0, Int64(system.f_bavail) * Int64(system.f_frsize) < reserve.size else {
      return false
    }
    return reserve.giveUp()
  }

  private static func reserve(of path: String, _ sizes: Sizes) -> ReserveFile {
    ReserveFile(path: path + ".reserve", size: sizes.file)
  }

  /// Takes what is missing. Where the disk has no room, there is none for new uploads until it has.
  ///
  /// - Returns: whether a new upload may be begun.
  func isThere() -> Bool {
    let end = Int64(database.logFrames) * 4120 + sizes.log
    if wasThere == true, allocated >= end, freePages >= sizes.freePages / 2 { return true }
    let isThere = hasRoom(toTake: end) && takeLog(to: end) && takePages() && reserve.make()
    note(isThere)
    return isThere
  }

  private func note(_ isThere: Bool) {
    if wasThere ?? true != isThere { tell(isThere ? .roomAgain(path: path) : .full(path: path)) }
    wasThere = isThere
  }

  /// Asks the file system, which is quicker than to find out.
  private func hasRoom(toTake end: Int64) -> Bool {
    var missing = max(0, end - allocated) + (reserve.isThere ? 0 : sizes.file)
    // In the database; the log has its own.
    if freePages < sizes.freePages / 2 { missing += sizes.freePages * 4096 }
    var system = statvfs()
    return statvfs(path, &system) != 0 || Int64(system.f_bavail) * Int64(system.f_frsize) >= missing
  }

  /// Looks how much of it is left, after the log was moved into the database.
  func count() throws(LedgerError) {
    freePages = try database.number("PRAGMA freelist_count")
    var status = stat()
    allocated = fstat(log, &status) == 0 ? Int64(status.st_blocks) * 512 : 0
  }

  /// A write found the disk full: gives up the last of the room.
  ///
  /// - Returns: whether that may help.
  func ranOut() -> Bool {
    note(false)
    return reserve.giveUp()
  }

  /// The log was cut to nothing, and its room went with it.
  func takeLogAgain() {
    allocated = 0
    _ = takeLog(to: sizes.log)
  }

  private func takeLog(to end: Int64) -> Bool {
    guard allocated < end else { return true }
    // The whole of its usual length at once, and later in steps.
    let goal = max(end + sizes.log / 4, min(Int64(LogKeeper.checkpointFrames) * 4120, sizes.log) + sizes.log)
    // FALLOC_FL_KEEP_SIZE: SQLite sees nothing of it.
    for size in [goal, end] where sluice_set_aside(log, 0, size) == 0 {
      allocated = size
      return true
    }
    guard errno == EOPNOTSUPP || errno == ENOSYS else { return false }
    allocated = .max
    return true
  }

  /// Pages of a table that is there no more are free, and stay in the file.
  private func takePages() -> Bool {
    guard freePages < sizes.freePages / 2 else { return true }
    do throws(LedgerError) {
      try database.execute("BEGIN IMMEDIATE")
      do throws(LedgerError) {
        try database.execute(
          """
          CREATE TABLE room (pages blob);
          INSERT INTO room VALUES (zeroblob(\(sizes.freePages * 4096)));
          DROP TABLE room;
          COMMIT
          """)
      } catch {
        if database.isInTransaction { try? database.execute("ROLLBACK") }
        throw error
      }
      // Only now has the file room for them.
      guard try database.checkpoint(.passive) else { return true }
      try count()
      return true
    } catch {
      if !database.isFull { unflushed.noteFailure(error.logDescription) }
      return false
    }
  }
}
