import Metrics
import NIOCore
import Synchronization

/// Looks each second how late an event loop does what is due.
final class LoopLag: Sendable {
  /// Of all event loops.
  let delays = Buckets(.seconds([0.1, 0.5, 1, 5, 10, 50, 100, 500, 1e3, 5e3]))
  private let last: [Loop]
  private let tasks: [RepeatedTask]

  private final class Loop: Sendable {
    /// In nanoseconds.
    let late = Atomic<Int64>(0)
    /// In nanoseconds of NIO's clock.
    let due = Atomic<UInt64>(0)
  }

  private static let every = TimeAmount.seconds(1)

  init(_ eventLoops: [any EventLoop]) {
    let loops = eventLoops.map { _ in Loop() }
    let delays = delays
    last = loops
    tasks = zip(eventLoops, loops).map { eventLoop, loop in
      loop.due.store((NIODeadline.now() + Self.every).uptimeNanoseconds, ordering: .relaxed)
      return eventLoop.scheduleRepeatedTask(initialDelay: Self.every, delay: Self.every) { _ in
        let now = NIODeadline.now()
        let late = max(0, (now - NIODeadline.uptimeNanoseconds(loop.due.load(ordering: .relaxed))).nanoseconds)
        loop.late.store(late, ordering: .relaxed)
        delays.add(late)
        loop.due.store((now + Self.every).uptimeNanoseconds, ordering: .relaxed)
      }
    }
  }

  /// In seconds, of each event loop: also of one that is late at this moment.
  var seconds: [Double] {
    let now = NIODeadline.now()
    return last.map { loop in
      let overdue = (now - NIODeadline.uptimeNanoseconds(loop.due.load(ordering: .relaxed))).nanoseconds
      return Double(max(loop.late.load(ordering: .relaxed), overdue)) / 1e9
    }
  }

  func stop() {
    for task in tasks { task.cancel() }
  }
}
