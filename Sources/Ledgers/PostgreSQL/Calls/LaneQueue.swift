#if PostgreSQL
  import Glibc

  /// Calls on their way from any thread to a lane's.
  ///
  /// `@unchecked`: every access to the variables happens with the lock held.
  final class LaneQueue: @unchecked Sendable {
    // On the heap, because neither may ever move.
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private var calls: [DatabaseCall] = []
    private var closing = false

    init() {
      lock = .allocate(capacity: 1)
      pthread_mutex_init(lock, nil)
      changed = .allocate(capacity: 1)
      pthread_cond_init(changed, nil)
    }

    deinit {
      pthread_cond_destroy(changed)
      changed.deallocate()
      pthread_mutex_destroy(lock)
      lock.deallocate()
    }

    /// - Returns: `false` once the queue is closed.
    func append(_ call: DatabaseCall) -> Bool {
      pthread_mutex_lock(lock)
      defer { pthread_mutex_unlock(lock) }
      guard !closing else { return false }
      calls.append(call)
      pthread_cond_signal(changed)
      return true
    }

    /// Takes no more calls; those that wait are still taken out.
    func close() {
      pthread_mutex_lock(lock)
      closing = true
      pthread_cond_signal(changed)
      pthread_mutex_unlock(lock)
    }

    var isClosed: Bool {
      pthread_mutex_lock(lock)
      defer { pthread_mutex_unlock(lock) }
      return closing
    }

    /// Waits for calls, and moves all that wait into `batch`, which is empty.
    ///
    /// - Returns: `false` once the queue is closed and nothing is left.
    func next(into batch: inout [DatabaseCall]) -> Bool {
      pthread_mutex_lock(lock)
      defer { pthread_mutex_unlock(lock) }
      while calls.isEmpty && !closing { pthread_cond_wait(changed, lock) }
      swap(&calls, &batch)
      return !batch.isEmpty
    }
  }
#endif
