package import GatewayCore
import Glibc
import NIOCore
package import OperatingSystem

/// The ledger of a single gateway, in one file of its own, by SQLite.
///
/// Calls may come from any thread. One thread writes: all calls that wait at once share one transaction, and so
/// one flush to disk; each answer comes after the commit. Beside `PATH` lie `PATH-wal` and `PATH-shm` while it is open, and
/// `PATH.lock`, which the gateway holds for itself; ``LedgerReader`` may look on from other processes. They stay when it is
/// closed, with the room on the disk that is theirs, as does `PATH.reserve`.
///
/// Close it before the event loops that calls are made on are shut down.
package final class EmbeddedLedger: Sendable {
  private let queue = CallQueue()
  /// Since when the writer has been at one batch of calls.
  package let writing = BusySince()
  let unflushed = UnflushedCommits()
  private let path: String
  private let thread: WriterThread
  private let lock: FileLock

  /// Opens the ledger at `path`, makes it where it is missing, and brings one of an older release up to date. Blocks.
  ///
  /// - Parameters:
  ///   - observer: hears how its transactions end; without one no clock is read.
  ///   - onNotice: is told what an operator should hear, on the ledger's own thread.
  /// - Throws: ``LedgerOpenError``; the file is then as it was.
  package convenience init(
    path: String, observer: (any LedgerObserver)? = nil,
    onNotice: @escaping @Sendable (LedgerNotice) -> Void = { _ in }
  ) throws(LedgerOpenError) {
    try self.init(path: path, busyMilliseconds: 5000, observer: observer, onNotice: onNotice)
  }

  /// The process that has the ledger at `path` open at this moment; `nil` where none has.
  package static func holder(of path: String) -> Int32? { FileLock.holder(besides: resolved(path)) }

  /// - Parameters:
  ///   - busyMilliseconds: how long a commit waits for a lock that a foreign program has on the file.
  ///   - system: the name of SQLite's layer over the system's files; `nil` for its own.
  ///   - checkpointFrames: pages in the write-ahead log before it is moved into the database.
  init(
    path: String, busyMilliseconds: Int32, system: String? = nil,
    checkpointFrames: Int = LogKeeper.checkpointFrames, observer: (any LedgerObserver)? = nil,
    onNotice: @escaping @Sendable (LedgerNotice) -> Void = { _ in }
  ) throws(LedgerOpenError) {
    // Two names of one file must meet at one lock.
    let path = Self.resolved(path)
    self.path = path
    lock = try FileLock(besides: path)
    let writer = try Self.makeWriter(
      path: path, busyMilliseconds: busyMilliseconds, system: system, checkpointFrames: checkpointFrames,
      queue: queue, unflushed: unflushed, busy: writing, observer: observer, tell: onNotice)
    guard let thread = WriterThread(running: writer) else {
      throw .engine(path: path, description: "the system has no thread for the writer")
    }
    self.thread = thread
  }

  private static func makeWriter(
    path: String, busyMilliseconds: Int32, system: String?, checkpointFrames: Int, queue: CallQueue,
    unflushed: UnflushedCommits, busy: BusySince, observer: (any LedgerObserver)?,
    tell: @escaping @Sendable (LedgerNotice) -> Void
  ) throws(LedgerOpenError) -> LedgerWriter {
    let database = try Database.openWithReserve(path: path, busyMilliseconds: busyMilliseconds, system: system)
    do throws(LedgerError) {
      let place = try LedgerPresence(path: path, tell: tell)
      let room = try LedgerReserve(database, path: path, unflushed: unflushed, tell: tell)
      try room.count()
      _ = room.isThere()
      return try LedgerWriter(
        database, queue: queue, unflushed: unflushed, room: room, place: place, busy: busy,
        checkpointFrames: checkpointFrames, observer: observer, tell: tell)
    } catch {
      throw LedgerOpenError(wrapping: error, path: path)
    }
  }

  deinit {
    close()
  }

  /// Does the calls that wait, then closes the file. Blocks until that is done. Calls that come later fail with
  /// ``/GatewayCore/LedgerError/engine(_:)``. A second call does nothing.
  package func close() {
    queue.close()
    thread.join()
    lock.unlock()
  }

  /// What makes answers survive a power cut that would not yet, for one caller.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``, where the log cannot be opened.
  package func makeFlush() throws(LedgerError) -> LedgerFlush {
    try LedgerFlush(path: path, unflushed: unflushed, queue: queue)
  }

  func submit<Value: Sendable>(
    on eventLoop: any EventLoop, _ durability: LedgerCall.Durability, grows: Bool = false,
    _ body: @escaping @Sendable (inout LedgerTransaction) throws(LedgerError) -> Value
  ) -> EventLoopFuture<Value> {
    let promise = eventLoop.makePromise(of: Value.self)
    switch queue.append(LedgerCall(promise, durability, grows: grows, body)) {
    case .taken: break
    // Woken at once, the writer would often take the event loop's core for this call alone, and so commit it alone.
    // Tasks come after all that the event loop has read.
    case .first: eventLoop.execute { [queue] in queue.wake() }
    case .refused: promise.fail(LedgerError.engine("the ledger is closed"))
    }
    return promise.futureResult
  }

  private static func resolved(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    // A name that is not UTF-8 would become another one.
    return String(validatingCString: resolved) ?? path
  }
}
