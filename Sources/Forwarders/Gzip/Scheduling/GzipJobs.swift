internal import Synchronization

/// The members of one upload, between the event loop that has its bytes and the threads that compress them.
///
/// A thread that is done with a piece goes on with the next one by itself: were it to wait for the event loop to wake it,
/// or another, the scheduler would have to find a free processor each time, and does not always.
final class GzipJobs: Sendable {
  private let scheduler: Mutex<GzipScheduler>
  private let engine: CompressionEngine
  private let threads: StoreThreads

  init(_ scheduler: consuming GzipScheduler, engine: CompressionEngine, threads: StoreThreads) {
    self.scheduler = Mutex(scheduler)
    self.engine = engine
    self.threads = threads
  }

  /// Looks at the scheduler, or changes it.
  func withScheduler<Outcome: Sendable>(_ body: (inout GzipScheduler) -> Outcome) -> Outcome {
    scheduler.withLock { body(&$0) }
  }

  /// Compresses a piece that the scheduler has given out, and then others, until there is none at this time or another upload
  /// waits for a thread.
  ///
  /// - Parameter onCompressed: called after each.
  func compress(_ piece: MemberPiece, onCompressed: () -> Void) throws(CompressionFault) {
    var next: MemberPiece? = piece
    while let piece = next {
      try piece.compress(by: engine, threads.idleWriters)
      next = scheduler.withLock { scheduler in
        scheduler.compressed(piece)
        return threads.isComputingAwaited ? nil : scheduler.next(isIdle: false)
      }
      onCompressed()
    }
  }
}
