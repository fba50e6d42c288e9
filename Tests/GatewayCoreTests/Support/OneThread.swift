import Dispatch
import Foundation
import Synchronization

/// Keeps a test on one thread although it waits: an embedded event loop may only be used on the thread that made it, and
/// even the main actor's may change.
@globalActor
actor OneThread {
  static let shared = OneThread()

  private static let executor = ThreadExecutor()

  nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }
}

private final class ThreadExecutor: SerialExecutor {
  private let jobs = Mutex<[UnownedJob]>([])
  private let waiting = DispatchSemaphore(value: 0)

  init() {
    Thread.detachNewThread { self.run() }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
    waiting.signal()
  }

  private func run() {
    while true {
      waiting.wait()
      let job = jobs.withLock { $0.removeFirst() }
      job.runSynchronously(on: asUnownedSerialExecutor())
    }
  }
}
