internal import CLinux
internal import GatewayCore
internal import NIOCore
internal import NIOPosix

/// The threads on which all stores do what may block: writing, syncing, hashing.
///
/// One set for the whole process: a slow disk then holds up stores, and never an event loop.
public final class StoreThreads: Sendable {
  private let pool: NIOThreadPool
  /// How many threads can compute at the same time.
  let cores: Int
  /// What was allocated for gzip files and is free to be used by the next job.
  let idleWriters: IdleWriters

  /// - Parameter count: how many threads, at least 1. More than there are processors, as most of them wait for a disk;
  ///   8, or 4 more than there are processors, unless something else is said.
  public init(count: Int? = nil) {
    cores = max(1, Int(sluice_processors()))
    pool = NIOThreadPool(numberOfThreads: max(count ?? max(8, cores + 4), 1))
    idleWriters = IdleWriters(limit: 2 * cores)
  }

  /// Starts them; to be called before the first store is used. Threads that have stopped do not start again.
  public func start() {
    pool.start()
  }

  /// Waits for the jobs that are running and stops. Jobs still in the queue fail, and so do all later ones.
  public func stop() async throws {
    try await pool.shutdownGracefully()
  }

  /// Runs `job` on a store thread and then `then` on the event loop, with ``SinkFailure/storage(_:)`` where the threads
  /// have stopped.
  func run<Outcome: Sendable>(
    _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome, on eventLoop: any EventLoop,
    then: @escaping @Sendable (Result<Outcome, SinkFailure>) -> Void
  ) {
    pool.submit { state in
      let result: Result<Outcome, SinkFailure>
      switch state {
      case .active:
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

  static let stopped = SinkFailure.storage("the store's threads have stopped: the gateway is shutting down")

  /// Runs `job` on a store thread; on whatever thread with `false` where they have stopped.
  func submit(_ job: @escaping @Sendable (_ isActive: Bool) -> Void) {
    pool.submit { state in
      if case .active = state { job(true) } else { job(false) }
    }
  }
}
