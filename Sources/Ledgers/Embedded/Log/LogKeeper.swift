import GatewayCore
import Glibc

/// Keeps the write-ahead log fit for what the ledger promises: whole on the disk, flushed in time, and short.
///
/// For the writer's thread.
final class LogKeeper {
  /// Pages of 4 KiB in the write-ahead log before it is moved into the database.
  static let checkpointFrames = 1000
  /// In milliseconds.
  static let owedFor = 100
  /// In milliseconds: how soon after one that failed a repair or a checkpoint is tried again without a call for it.
  private static let retryAfter = 1000

  private let database: Database
  private let log: WriteAheadLog
  private let unflushed: UnflushedCommits
  private let room: LedgerReserve?
  private let checkpointFrames: Int
  private let tell: @Sendable (LedgerNotice) -> Void
  /// On the monotonic clock: when a flush has to have followed an answer that was given without one.
  private var flushDue: timespec?
  private var repairDue: timespec?
  private var checkpointDue: timespec?
  /// How many there were at the last checkpoint.
  private var commitsMoved: UInt64 = 0

  /// - Parameters:
  ///   - room: on the disk; `nil` where none is set aside.
  ///   - checkpointFrames: pages in the log before it is moved into the database.
  init(
    _ database: Database, unflushed: UnflushedCommits, room: LedgerReserve?, checkpointFrames: Int,
    tell: @escaping @Sendable (LedgerNotice) -> Void
  ) {
    self.database = database
    self.room = room
    self.checkpointFrames = checkpointFrames
    log = WriteAheadLog(of: database)
    self.unflushed = unflushed
    self.tell = tell
  }

  /// When ``tend()`` has something to do.
  var deadline: timespec? {
    guard let flushDue, let repairDue else { return flushDue ?? repairDue }
    return flushDue <= repairDue ? flushDue : repairDue
  }

  /// An answer is given that has to be flushed before long.
  func owe() {
    if flushDue == nil, unflushed.isOwed { flushDue = .now(plusMilliseconds: Self.owedFor) }
  }

  /// Looks after what is owed, what failed, and what grew long.
  func tend() {
    if unflushed.isHoled {
      if repairDue ?? .now() <= .now() { _ = try? mend() }
      return
    }
    if let flushDue, flushDue <= .now() { try? flush() }
    guard database.logFrames > checkpointFrames, database.commits != commitsMoved else { return }
    if checkpointDue ?? .now() <= .now() { shorten() }
  }

  /// Makes all that is committed survive a power cut.
  func flush() throws(LedgerError) {
    flushDue = nil
    try unflushed.flush { () throws(LedgerError) in
      do throws(LedgerError) {
        try log.sync()
      } catch {
        noteFailure(error)
        try mend()
      }
    }
  }

  func noteFailure(_ error: LedgerError) {
    unflushed.noteFailure(error.logDescription)
  }

  /// Where writing the log has failed, writes all of it anew and moves it into the database, before anything more is
  /// promised.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``; then it is for the next call, or for ``tend()``, to try again.
  func mend() throws(LedgerError) {
    do throws(LedgerError) {
      guard try unflushed.repair(repair) else { return }
      room?.takeLogAgain()
      repairDue = nil
      flushDue = nil
      tell(.mended(description: unflushed.failure))
    } catch {
      if repairDue == nil { tell(.unmended(description: error.logDescription)) }
      repairDue = .now(plusMilliseconds: Self.retryAfter)
      throw .engine("the ledger's log cannot be written, and no call is answered until it can: \(error.logDescription)")
    }
  }

  private func repair() throws(LedgerError) {
    if database.isInTransaction { try database.execute("ROLLBACK") }
    try log.makeWhole()
    // Each attempt copies all of the log, so it may follow one that failed. The first may only have heard of a failure
    // that is over: the system tells each open file once.
    for attempt in 1...2 {
      do throws(LedgerError) {
        // A reader that holds it up does no harm: the log is whole.
        _ = try database.checkpoint(.emptying)
        return
      } catch {
        if database.isFull { return }
        if attempt == 2 { throw error }
      }
    }
  }

  private func shorten() {
    checkpointDue = nil
    commitsMoved = database.commits
    do throws(LedgerError) {
      // What a reader holds up is left for the next one.
      _ = try database.checkpoint(.passive)
      try room?.count()
    } catch {
      // The log is synced before anything else is done, and keeps what there is no room to move.
      if database.isFull {
        checkpointDue = .now(plusMilliseconds: Self.retryAfter)
      } else {
        noteFailure(error)
        _ = try? mend()
      }
    }
  }

  /// Moves all of the log into the database, for one who closes it.
  func finish() {
    defer { room?.takeLogAgain() }
    do throws(LedgerError) {
      try mend()
      try flush()
      database.waitForLocks(milliseconds: 100)
      do throws(LedgerError) {
        _ = try database.checkpoint(.emptying)
      } catch {
        guard !database.isFull else { return }
        noteFailure(error)
        try mend()
      }
    } catch {
      tell(.closedUnmoved(description: error.logDescription))
    }
  }
}

extension timespec {
  /// The monotonic clock's time.
  static func now(plusMilliseconds milliseconds: Int = 0) -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let nanoseconds = time.tv_nsec + milliseconds * 1_000_000
    return timespec(tv_sec: time.tv_sec + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
  }

  static func <= (one: timespec, other: timespec) -> Bool {
    (one.tv_sec, one.tv_nsec) <= (other.tv_sec, other.tv_nsec)
  }
}
