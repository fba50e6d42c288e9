import Glibc
import Synchronization

/// The thread that a ``LedgerWriter`` lives on.
final class WriterThread: Sendable {
  private let thread: Mutex<pthread_t?>

  /// - Returns: `nil` where the system has no thread to give.
  init?(running writer: consuming sending LedgerWriter) {
    var started = pthread_t()
    let passed = Unmanaged.passRetained(writer)
    let code = pthread_create(
      &started, nil,
      { argument in
        if let argument { WriterThread.run(argument) }
        return nil
      }, passed.toOpaque())
    guard code == 0 else {
      passed.release()
      return nil
    }
    thread = Mutex(started)
  }

  /// Waits until the writer has returned and closed its database. Its queue must have been closed.
  func join() {
    thread.withLock { thread in
      if let started = thread { pthread_join(started, nil) }
      thread = nil
    }
  }

  // A function of its own: the writer, and with it the database, is let go when it returns.
  @inline(never)
  private static func run(_ argument: UnsafeMutableRawPointer) {
    Unmanaged<LedgerWriter>.fromOpaque(argument).takeRetainedValue().run()
  }
}
