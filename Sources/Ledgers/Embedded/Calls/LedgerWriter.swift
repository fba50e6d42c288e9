import GatewayCore
import NIOCore
import OperatingSystem

/// Does the calls of the queue, all that wait at once in one transaction, on a thread of its own.
final class LedgerWriter {
  /// Calls in one transaction. Bounds how long a call can wait for others' work before its own commit.
  static let batchLimit = 512
  private let database: Database
  private let queue: CallQueue
  private let unflushed: UnflushedCommits
  private let keeper: LogKeeper
  private let room: LedgerReserve?
  private let place: LedgerPresence?
  private let busy: BusySince?
  private let observer: (any LedgerObserver)?
  private var transaction: LedgerTransaction
  private let begin: Statement
  private let commit: Statement
  private let rollback: Statement
  private var answers: [LedgerAnswer] = []
  private var deliveries: [(eventLoop: any EventLoop, answers: [LedgerAnswer])] = []

  /// - Parameters:
  ///   - room: on the disk; `nil` where none is set aside.
  ///   - place: where the files have to be; `nil` where nobody looks.
  ///   - busy: says since when the writer has been at one batch.
  init(
    _ database: Database, queue: CallQueue, unflushed: UnflushedCommits, room: LedgerReserve? = nil,
    place: LedgerPresence? = nil, busy: BusySince? = nil, checkpointFrames: Int,
    observer: (any LedgerObserver)? = nil,
    tell: @escaping @Sendable (LedgerNotice) -> Void = { _ in }
  ) throws(LedgerError) {
    self.database = database
    self.queue = queue
    self.unflushed = unflushed
    self.room = room
    self.place = place
    self.busy = busy
    self.observer = observer
    keeper = LogKeeper(database, unflushed: unflushed, room: room, checkpointFrames: checkpointFrames, tell: tell)
    transaction = try LedgerTransaction(database)
    begin = try Statement("BEGIN IMMEDIATE", in: database)
    commit = try Statement("COMMIT", in: database)
    rollback = try Statement("ROLLBACK", in: database)
  }

  /// Returns when the queue is closed and empty.
  func run() {
    var batch: [LedgerCall] = []
    while queue.next(atMost: Self.batchLimit, before: keeper.deadline, into: &batch) {
      _ = busy?.begin()
      defer { busy?.end() }
      queue.repairIfWanted { () throws(LedgerError) in try keeper.mend() }
      if !batch.isEmpty { perform(batch) }
      batch.removeAll(keepingCapacity: true)
      keeper.tend()
    }
    keeper.finish()
    queue.endRepairs()
  }

  private func perform(_ batch: [LedgerCall]) {
    let began = observer.map { _ in ContinuousClock.now }
    var isCommitted = true
    do throws(LedgerError) {
      // Nothing is done where it would not last. A file that parts from its path meanwhile costs one commit that nobody
      // was told of.
      if let place, place.hasParted { try place.verify() }
      try commit(batch)
      try place?.verify()
      if batch.contains(where: { $0.durability == .flushSoon }) { keeper.owe() }
    } catch {
      isCommitted = false
      answers.removeAll(keepingCapacity: true)
      for call in batch { answers.append(call.failed(error)) }
    }
    if let began {
      observer?.transactionEnded(calls: batch.count, after: .now - began, isCommitted: isCommitted)
    }
    deliver(batch)
  }

  /// All of them, once more with the last of the room where the disk is full.
  private func commit(_ batch: [LedgerCall]) throws(LedgerError) {
    transaction.mayGrow = batch.contains(where: \.grows) ? room?.isThere() ?? true : true
    do throws(LedgerError) {
      try attempt(batch)
    } catch {
      guard database.isFull, let room else { throw error }
      _ = room.ranOut()
      transaction.mayGrow = false
      answers.removeAll(keepingCapacity: true)
      try attempt(batch)
    }
  }

  /// All of them in one transaction, which waits for the disk where one of them has to. Where it throws, none of them
  /// happened, and the next batch may well succeed.
  ///
  /// A commit that fails at the disk's own flush leaves its pages in the log until that is mended, which the next one
  /// begins with; a power cut before may bring them back. So a failure says: not known to be safe.
  private func attempt(_ batch: [LedgerCall]) throws(LedgerError) {
    try keeper.mend()
    database.forgetFailure()
    let commits = database.commits
    let isFlushed = batch.contains(where: { $0.durability == .powerCut })
    var isCommitting = false
    do throws(LedgerError) {
      try database.setFlush(isFlushed)
      try begin.run()
      for call in batch {
        answers.append(call.perform(in: &transaction))
        // A full disk may end the whole transaction in the middle of one call. What follows would commit itself,
        // call by call, and what went before is gone.
        guard database.isInTransaction else {
          if let failure = answers.last?.failure { throw failure }
          throw .engine("the transaction ended before its time")
        }
      }
      // What a call read or wrote in vain may be more than its own failure.
      if database.isDiskFailure { unflushed.noteFailure("reading or writing within a transaction failed") }
      try database.heard()
      isCommitting = true
      try commit.run()
    } catch {
      // Whatever made the commit itself fail, its pages may be in the log, whole: a power cut would bring them back.
      // Those of a full disk are not.
      if database.isDiskFailure || (isCommitting && !database.isFull) { keeper.noteFailure(error) }
      // SQLite has mostly done so by itself, but for one that only found the file locked.
      if database.isInTransaction { _ = try? rollback.run() }
      transaction.cameToNothing()
      throw error
    }
    transaction.committed()
    // One that changed nothing was not flushed either, and its answers may tell of what is owed.
    if database.commits != commits { unflushed.committed(isFlushed: isFlushed) }
    if isFlushed { try keeper.flush() }
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
