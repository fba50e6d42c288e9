#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// A thread that nobody waits for.
package enum DetachedThread {
  /// Runs `job` on a thread of its own. Where the system has none to give, it runs on this one, before the call returns.
  package static func run(_ job: @escaping @Sendable () -> Void) {
    let passed = Unmanaged.passRetained(Job(job))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, passed.toOpaque())
    guard code == 0 else { return passed.takeRetainedValue().run() }
    pthread_detach(thread)
  }

  private final class Job: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
      self.run = run
    }
  }
}
