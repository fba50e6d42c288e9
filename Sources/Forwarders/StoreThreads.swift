internal import CLinux
internal import GatewayCore
internal import NIOCore
internal import NIOPosix
package import OperatingSystem
internal import Synchronization

/// The threads on which all stores do what may block: writing, syncing, hashing. What only computes, compressing, has
/// threads of its own beside them, as many as there are processors, so that it holds up nobody who writes.
///
/// One set for the whole process: a slow disk then holds up stores, and never an event loop.
package final class StoreThreads: Sendable {
  private let pool: NIOThreadPool
  private let computing: NIOThreadPool
  /// For each thread, since when it has been at its job: one that a disk lets wait for ever is seen by this alone. Which
  /// thread has which place changes from job to job.
  package let storing: [BusySince]
  /// The same of those that compute.
  package let calculating: [BusySince]
  /// Jobs of ``compute(_:on:then:)`` that no thread has begun.
  private let awaitingComputing = Atomic<Int>(0)
  /// How many threads can compute at the same time.
  let cores: Int
  /// What was allocated for gzip files and is free to be used by the next job.
  let idleWriters: IdleWriters

  /// - Parameter count: how many threads may wait for a disk, at least 1.
  package convenience init(count: Int = 8) {
    self.init(count: count, cores: Int(sluice_processors()))
  }

  init(count: Int, cores: Int) {
    self.cores = max(cores, 1)
    pool = NIOThreadPool(numberOfThreads: max(count, 1))
    computing = NIOThreadPool(numberOfThreads: self.cores)
    storing = (0..<max(count, 1)).map { _ in BusySince() }
    calculating = (0..<self.cores).map { _ in BusySince() }
    idleWriters = IdleWriters(limit: 2 * self.cores)
  }

  /// Starts them; to be called before the first store is used. Threads that have stopped do not start again.
  package func start() {
    pool.start()
    computing.start()
  }

  /// Waits for the jobs that are running and stops. Jobs still in the queue fail, and so do all later ones.
  package func stop() async throws {
    try await pool.shutdownGracefully()
    try await computing.shutdownGracefully()
  }

  /// Runs `job` on a store thread and then `then` on the event loop, with ``SinkFailure/storage(_:)`` where the threads
  /// have stopped.
  func run<Outcome: Sendable>(
    _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome, on eventLoop: any EventLoop,
    then: @escaping @Sendable (Result<Outcome, SinkFailure>) -> Void
  ) {
    run(job, in: pool, storing, on: eventLoop, begun: {}, then)
  }

  /// As ``run(_:on:then:)``, for what only computes.
  func compute<Outcome: Sendable>(
    _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome, on eventLoop: any EventLoop,
    then: @escaping @Sendable (Result<Outcome, SinkFailure>) -> Void
  ) {
    awaitingComputing.add(1, ordering: .relaxed)
    run(
      job, in: computing, calculating, on: eventLoop,
      begun: { [self] in awaitingComputing.subtract(1, ordering: .relaxed) }, then)
  }

  /// A job that computes, and could go on, is to make room for another.
  var isComputingAwaited: Bool { awaitingComputing.load(ordering: .relaxed) > 0 }

  private func run<Outcome: Sendable>(
    _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome, in pool: NIOThreadPool, _ busy: [BusySince],
    on eventLoop: any EventLoop, begun: @escaping @Sendable () -> Void,
    _ then: @escaping @Sendable (Result<Outcome, SinkFailure>) -> Void
  ) {
    pool.submit { state in
      begun()
      let result: Result<Outcome, SinkFailure>
      switch state {
      case .active:
        // There are no more jobs at once than threads.
        let place = busy.first { $0.begin() }
        defer { place?.end() }
        do throws(SinkFailure) {
          result = .success(try job())
        } catch {
          result = .failure(error)
        }
      case .cancelled:
        result = .failure(Self.stopped)
      }
      eventLoop.execute { then(result) }
    }
  }

  /// Has a store thread give back to the system what is free of the process's memory. That may take some 10 ms, in which
  /// other threads wait that want memory.
  package func giveBackFreedMemory() {
    submit { if $0 { sluice_give_back_freed_memory() } }
  }

  /// Runs what blocks for long on a thread of its own, and waits for it without holding up another. Nothing holds the job,
  /// or what it has, any more when this returns.
  static func onOwnThread<Outcome: Sendable>(
    _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome
  ) async throws(SinkFailure) -> Outcome {
    let once = Once(job)
    let result = await withCheckedContinuation { continuation in
      DetachedThread.run { continuation.resume(returning: once.run()) }
    }
    return try result.get()
  }

  /// A job that is let go of before its result is told: the thread itself ends a little later.
  private final class Once<Outcome: Sendable>: Sendable {
    private let job: Mutex<(@Sendable () throws(SinkFailure) -> Outcome)?>

    init(_ job: @escaping @Sendable () throws(SinkFailure) -> Outcome) {
      self.job = Mutex(job)
    }

    func run() -> Result<Outcome, SinkFailure> {
      guard let job = job.withLock({ $0.take() }) else { return .failure(StoreThreads.stopped) }
      do throws(SinkFailure) { return .success(try job()) } catch { return .failure(error) }
    }
  }

  static let stopped = SinkFailure.storage("the store's threads have stopped: the gateway is shutting down")

  /// Runs `job` on a store thread; on whatever thread with `false` where they have stopped.
  func submit(_ job: @escaping @Sendable (_ isActive: Bool) -> Void) {
    pool.submit { [storing] state in
      guard case .active = state else { return job(false) }
      let place = storing.first { $0.begin() }
      job(true)
      place?.end()
    }
  }
}
