import CLinux
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
  }

  deinit {
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

  /// Takes no more calls; those that wait are still taken out.
  func close() {
    pthread_mutex_lock(lock)
    isClosed = true
    pthread_cond_signal(changed)
    pthread_mutex_unlock(lock)
  }

  /// Waits for calls, until `deadline` on the monotonic clock where there is one, and moves the oldest into `batch`,
  /// which must be empty and stays so where none came in time.
  /// - Returns: `false` once the queue is closed and nothing is left.
  func next(atMost limit: Int, before deadline: timespec?, into batch: inout [LedgerCall]) -> Bool {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while calls.isEmpty && !isClosed {
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
