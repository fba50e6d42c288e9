import CSQLite
import GatewayCore
import Glibc
import NIOCore

/// Does the calls of the queue, all that wait at once in one transaction, on a thread of its own.
final class LedgerWriter {
  /// Calls in one transaction. Bounds how long a call can wait for others' work before its own commit.
  static let batchLimit = 512
  /// Pages of 4 KiB in the write-ahead log before it is moved into the database.
  static let checkpointFrames: Int32 = 1000
  /// In milliseconds.
  static let owedFor = 100

  private let database: Database
  private let queue: CallQueue
  private let unflushed: UnflushedCommits
  private let flush: LedgerFlush
  private var transaction: LedgerTransaction
  private let begin: Statement
  private let commit: Statement
  private let rollback: Statement
  private var answers: [LedgerAnswer] = []
  /// On the monotonic clock: when a flush has to have followed an answer that was given without one.
  private var flushDue: timespec? = .now()
  private var deliveries: [(eventLoop: any EventLoop, answers: [LedgerAnswer])] = []

  init(
    _ database: Database, queue: CallQueue, unflushed: UnflushedCommits, flush: LedgerFlush
  ) throws(LedgerError) {
    self.database = database
    self.queue = queue
    self.unflushed = unflushed
    self.flush = flush
    database.takeOverCheckpoints()
    transaction = try LedgerTransaction(database)
    begin = try Statement("BEGIN IMMEDIATE", in: database)
    commit = try Statement("COMMIT", in: database)
    rollback = try Statement("ROLLBACK", in: database)
  }

  /// Returns when the queue is closed and empty.
  func run() {
    var batch: [LedgerCall] = []
    while queue.next(atMost: Self.batchLimit, before: flushDue, into: &batch) {
      if !batch.isEmpty { perform(batch) }
      batch.removeAll(keepingCapacity: true)
      if let flushDue, flushDue <= .now() { flushWhatIsOwed() }
      database.checkpoint(above: Self.checkpointFrames)
    }
    // Closing the database does so only where nobody else has it open.
    flushWhatIsOwed()
  }

  private func perform(_ batch: [LedgerCall]) {
    do throws(LedgerError) {
      try commit(batch)
      if flushDue == nil, batch.contains(where: \.owesFlush) {
        flushDue = .now(plusMilliseconds: Self.owedFor)
      }
    } catch {
      answers.removeAll(keepingCapacity: true)
      for call in batch { answers.append(.failed(call, error)) }
    }
    deliver(batch)
  }

  private func flushWhatIsOwed() {
    flushDue = nil
    // Where it fails, the next call mends the log or fails in its turn.
    _ = try? flush.flushAnswers()
  }

  /// All of them in one transaction, which waits for the disk where one of them has to. Where it throws, none of them
  /// happened, and the next batch may well succeed.
  ///
  /// A commit that fails at the disk's own flush leaves its pages in the log until that is emptied, which the next one
  /// begins with; a power cut before may bring them back. So a failure says: not known to be safe.
  private func commit(_ batch: [LedgerCall]) throws(LedgerError) {
    do throws(LedgerError) {
      try unflushed.repair { () throws(LedgerError) in try database.emptyLog() }
      let isFlushed = batch.contains(where: \.needsFlush)
      try database.setFlush(isFlushed)
      try begin.run()
      for call in batch {
        answers.append(call.perform(in: &transaction))
        // A full disk may end the whole transaction in the middle of one call. What follows would commit itself,
        // call by call, and what went before is gone.
        guard database.isInTransaction else {
          if case .failed(_, let error) = answers.last { throw error }
          throw .engine("the transaction ended before its time")
        }
      }
      try commit.run()
      transaction.committed()
      unflushed.committed(isFlushed: isFlushed)
    } catch {
      if database.lastCode == SQLITE_IOERR { unflushed.noteFailure() }
      // SQLite has mostly done so by itself, but for one that only found the file locked.
      if database.isInTransaction { _ = try? rollback.run() }
      transaction.cameToNothing()
      throw error
    }
  }

  /// One hop to each event loop, however many answers it is waiting for.
  private func deliver(_ batch: [LedgerCall]) {
    for (call, answer) in zip(batch, answers) {
      let eventLoop = call.eventLoop
      if let index = deliveries.firstIndex(where: { $0.eventLoop === eventLoop }) {
        deliveries[index].answers.append(answer)
      } else {
        deliveries.append((eventLoop, [answer]))
      }
    }
    answers.removeAll(keepingCapacity: true)
    for (eventLoop, answers) in deliveries {
      eventLoop.execute {
        for answer in answers { answer.deliver() }
      }
    }
    deliveries.removeAll(keepingCapacity: true)
  }
}

extension timespec {
  /// The monotonic clock's time.
  fileprivate static func now(plusMilliseconds milliseconds: Int = 0) -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let nanoseconds = time.tv_nsec + milliseconds * 1_000_000
    return timespec(tv_sec: time.tv_sec + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
  }

  fileprivate static func <= (one: timespec, other: timespec) -> Bool {
    (one.tv_sec, one.tv_nsec) <= (other.tv_sec, other.tv_nsec)
  }
}
