import Dispatch

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Ctrl-C, SIGTERM and SIGHUP: the first stops in order, a later one at once. A signal that was ignored when the
/// command began, as nohup and a shell's background jobs have it, stays ignored.
final class Interruption {
  /// A terminal that is closed and its shell both say so: what comes within this time is the same wish.
  private static let once = DispatchTimeInterval.milliseconds(500)

  private let sources: [any DispatchSourceSignal]

  init(_ stop: @escaping @Sendable () -> Void) {
    let queue = DispatchQueue(label: "signals")
    let first = First()
    sources = [SIGINT, SIGTERM, SIGHUP].compactMap { number in
      let handler = signal(number, SIG_IGN)
      guard unsafeBitCast(handler, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self) else { return nil }
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        guard let time = first.time else {
          first.time = .now()
          stop()
          return
        }
        if DispatchTime.now() > time + Self.once { _exit(128 + number) }
      }
      source.resume()
      return source
    }
  }

  /// Unchecked, because it is touched on the signals' queue alone.
  private final class First: @unchecked Sendable {
    var time: DispatchTime?
  }
}
