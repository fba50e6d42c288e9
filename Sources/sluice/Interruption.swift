import Dispatch

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Ctrl-C and SIGTERM: the first stops in order, the second at once.
final class Interruption {
  private let sources: [any DispatchSourceSignal]

  init(_ stop: @escaping @Sendable () -> Void) {
    let queue = DispatchQueue(label: "signals")
    let count = Count()
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        count.value += 1
        if count.value > 1 { _exit(128 + number) }
        stop()
      }
      source.resume()
      return source
    }
  }

  /// Unchecked, because it is touched on the signals' queue alone.
  private final class Count: @unchecked Sendable {
    var value = 0
  }
}
