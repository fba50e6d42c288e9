import CLinux
import GatewayCore
import Glibc

/// Calls on their way from any thread to the writer's.
///
/// `@unchecked`: every access to the variables happens with the lock held.
final class CallQueue: @unchecked Sendable {
  // On the heap, because neither may ever move.
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var calls: [LedgerCall] = []
  /// Event loops that have a call waiting.
  private var callers: [ObjectIdentifier] = []
  private var isClosed = false
  private let repaired: UnsafeMutablePointer<pthread_cond_t>
  private var repairIsWanted = false
  /// The writer has.
  private var hasEnded = false
  private var repairsBegun = 0
  private var repairsEnded = 0
  /// Of the last repair that has ended.
  private var repairFailure: LedgerError?

  init() {
    lock = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    changed = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // A wait must not end early or late because somebody sets the time of day.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
    repaired = .allocate(capacity: 1)
    pthread_cond_init(repaired, nil)
  }

  deinit {
    pthread_cond_destroy(repaired)
    repaired.deallocate()
    pthread_cond_destroy(changed)
    changed.deallocate()
    pthread_mutex_destroy(lock)
    lock.deallocate()
  }

  /// What came of a call.
  enum Appended {
    /// Others of the same event loop wait already.
    case taken
    /// It is the event loop's first that waits: ``wake()`` has to follow.
    case first
    /// The queue is closed.
    case refused
  }

  func append(_ call: LedgerCall) -> Appended {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    if isClosed { return .refused }
    calls.append(call)
    let caller = ObjectIdentifier(call.eventLoop)
    if callers.contains(caller) { return .taken }
    callers.append(caller)
    return .first
  }

  /// Has the writer look after the calls.
  func wake() {
    pthread_mutex_lock(lock)
    pthread_cond_signal(changed)
    pthread_mutex_unlock(lock)
  }

  /// Has the writer repair the log, and waits until it has. Blocks; for a thread that has heard of a failure.
  ///
  /// - Throws: why it could not.
  func awaitRepair() throws(LedgerError) {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    // One that has begun already may not know of the failure.
    let ticket = repairsBegun + 1
    repairIsWanted = true
    pthread_cond_signal(changed)
    while repairsEnded < ticket {
      if hasEnded { throw .engine("the ledger is closed") }
      pthread_cond_wait(repaired, lock)
    }
    if let repairFailure { throw repairFailure }
  }

  /// Has `repair` done where somebody waits for it. On the writer's thread.
  func repairIfWanted(_ repair: () throws(LedgerError) -> Void) {
    pthread_mutex_lock(lock)
    let isWanted = repairIsWanted
    repairIsWanted = false
    if isWanted { repairsBegun += 1 }
    pthread_mutex_unlock(lock)
    guard isWanted else { return }
    var failure: LedgerError?
    do throws(LedgerError) { try repair() } catch { failure = error }
    pthread_mutex_lock(lock)
    repairsEnded += 1
    repairFailure = failure
    pthread_cond_broadcast(repaired)
    pthread_mutex_unlock(lock)
  }

  /// Nobody will repair any more: who waits for it is told so. On the writer's thread.
  func endRepairs() {
    repairIfWanted { () throws(LedgerError) in throw .engine("the ledger is closed") }
    pthread_mutex_lock(lock)
    hasEnded = true
    pthread_cond_broadcast(repaired)
    pthread_mutex_unlock(lock)
  }

  /// Takes no more calls; those that wait are still taken out.
  func close() {
    pthread_mutex_lock(lock)
    isClosed = true
    pthread_cond_signal(changed)
    pthread_mutex_unlock(lock)
  }

  /// Waits for calls, until `deadline` on the monotonic clock where there is one, and moves the oldest into `batch`,
  /// which must be empty and stays so where none came in time, or somebody waits for a repair.
  /// - Returns: `false` once the queue is closed and nothing is left.
  func next(atMost limit: Int, before deadline: timespec?, into batch: inout [LedgerCall]) -> Bool {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while calls.isEmpty && !isClosed && !repairIsWanted {
      guard var deadline else {
        pthread_cond_wait(changed, lock)
        continue
      }
      if pthread_cond_timedwait(changed, lock, &deadline) == ETIMEDOUT { return true }
    }
    if !isClosed {
      pthread_mutex_unlock(lock)
      sluice_let_others_go_first(2)
      pthread_mutex_lock(lock)
    }
    callers.removeAll(keepingCapacity: true)
    if calls.count <= limit {
      // The two arrays change places for ever, and neither is allocated anew.
      swap(&calls, &batch)
    } else {
      batch.append(contentsOf: calls.prefix(limit))
      calls.removeFirst(limit)
    }
    return !batch.isEmpty || !isClosed
  }
}
