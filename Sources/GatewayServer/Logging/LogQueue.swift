import Glibc

/// Lines on their way from any thread to the one that writes them. Whoever logs takes a lock and copies a line, and waits
/// for nothing else.
///
/// `@unchecked`: every access to the variables happens with the lock held.
final class LogQueue: @unchecked Sendable {
  /// What may wait. What comes beyond it is dropped and counted.
  struct Bounds {
    var records = 16_384
    var bytes = 4 << 20
  }

  // On the heap, because neither may ever move.
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  /// Lines have come, or somebody wants to be done with them.
  private let came: UnsafeMutablePointer<pthread_cond_t>
  /// Bytes were written.
  private let went: UnsafeMutablePointer<pthread_cond_t>
  private let bounds: Bounds
  private var lines: [UInt8] = []
  private var records = 0
  /// Of the batch that is being written.
  private var takenBytes = 0
  private var takenRecords = 0
  private var isTaken = false
  private var dropped = 0
  private var written = 0
  private var isEnding = false

  init(bounds: Bounds = Bounds()) {
    self.bounds = bounds
    lock = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    came = Self.condition()
    went = Self.condition()
  }

  deinit {
    for condition in [came, went] {
      pthread_cond_destroy(condition)
      condition.deallocate()
    }
    pthread_mutex_destroy(lock)
    lock.deallocate()
  }

  /// Takes whole lines, or drops them.
  func append(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      pthread_mutex_lock(lock)
      defer { pthread_mutex_unlock(lock) }
      guard records + takenRecords < bounds.records, lines.count + takenBytes + bytes.count <= bounds.bytes else {
        dropped += 1
        return
      }
      if lines.isEmpty { pthread_cond_signal(came) }
      lines.append(contentsOf: bytes)
      records += 1
    }
  }

  /// Waits for lines, and moves all that there are into `batch`, whose own were written.
  ///
  /// - Returns: how many were dropped after these.
  func next(into batch: inout [UInt8]) -> Int {
    batch.removeAll(keepingCapacity: batch.capacity <= 256 << 10)
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    (takenBytes, takenRecords, isTaken) = (0, 0, false)
    pthread_cond_signal(went)
    while lines.isEmpty, dropped == 0 { pthread_cond_wait(came, lock) }
    swap(&lines, &batch)
    (takenBytes, takenRecords, isTaken) = (batch.count, records, true)
    defer { (records, dropped) = (0, 0) }
    return dropped
  }

  /// Counts what was written.
  func wrote(_ count: Int) {
    pthread_mutex_lock(lock)
    written += count
    if isEnding { pthread_cond_signal(went) }
    pthread_mutex_unlock(lock)
  }

  /// Waits before what failed is tried again; hardly, where somebody wants to be done.
  func pause(_ time: Duration) {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    let wasEnding = isEnding
    var deadline = Self.moment(after: wasEnding ? min(time, .milliseconds(20)) : time)
    // New lines wake it too, and come too often to try for each.
    while isEnding == wasEnding, pthread_cond_timedwait(came, lock, &deadline) != ETIMEDOUT {}
  }

  /// Waits until all that was appended is written.
  ///
  /// - Parameters:
  ///   - limit: no longer than this.
  ///   - patience: nor longer than this without a byte that is taken.
  /// - Returns: whether it is.
  func drain(within limit: Duration, patience: Duration) -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + limit
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    isEnding = true
    pthread_cond_signal(came)
    var (seen, since) = (written, clock.now)
    while isTaken || !lines.isEmpty || dropped > 0 {
      let left = min(end, since + patience) - clock.now
      guard left > .zero else { return false }
      var deadline = Self.moment(after: left)
      _ = pthread_cond_timedwait(went, lock, &deadline)
      if written != seen { (seen, since) = (written, clock.now) }
    }
    isEnding = false
    return true
  }

  private static func condition() -> UnsafeMutablePointer<pthread_cond_t> {
    let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // A wait must not end early or late because somebody sets the time of day.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
    return condition
  }

  /// On the monotonic clock.
  private static func moment(after time: Duration) -> timespec {
    var moment = timespec()
    clock_gettime(CLOCK_MONOTONIC, &moment)
    let (seconds, attoseconds) = time.components
    let nanoseconds = moment.tv_nsec + Int(attoseconds / 1_000_000_000)
    moment.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
    moment.tv_nsec = nanoseconds % 1_000_000_000
    return moment
  }
}
