import Synchronization

/// What happens while an upload runs, in order, for one reader.
///
/// The upload does not wait for the reader. Progress that was not read yet gives way to newer progress, so a slow
/// reader misses nothing that matters, and one that never comes costs no memory to speak of.
public struct TransferEvents: AsyncSequence, Sendable {
  /// Events.
  public typealias Element = TransferEvent
  /// The upload's error comes with its outcome, not here.
  public typealias Failure = Never

  let queue: EventQueue

  /// Begins with what was not read yet.
  public func makeAsyncIterator() -> Iterator {
    Iterator(queue: queue, wake: queue.wake.makeAsyncIterator())
  }

  /// Gives the events out.
  public struct Iterator: AsyncIteratorProtocol {
    /// As of the sequence.
    public typealias Failure = Never

    let queue: EventQueue
    var wake: AsyncStream<Void>.Iterator

    /// The next event; nil when the upload is over, or the reading task was cancelled.
    public mutating func next() async -> TransferEvent? {
      await next(isolation: #isolation)
    }

    /// The next event; nil when the upload is over, or the reading task was cancelled.
    public mutating func next(isolation actor: isolated (any Actor)?) async -> TransferEvent? {
      while true {
        if let event = queue.take() { return event }
        // What was added just before the end is still there.
        if await wake.next(isolation: actor) == nil { return queue.take() }
      }
    }
  }
}

/// Events that wait for their reader.
final class EventQueue: Sendable {
  private struct Waiting {
    var events: [TransferEvent] = []
    /// Those before it were read.
    var first = 0
  }

  /// Says that there is something to take; ends with the upload.
  let wake: AsyncStream<Void>
  private let bell: AsyncStream<Void>.Continuation
  private let waiting = Mutex(Waiting())

  init() {
    (wake, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  func add(_ event: TransferEvent) {
    waiting.withLock { waiting in
      if waiting.first < waiting.events.count, let last = waiting.events.last, event.replaces(last) {
        waiting.events[waiting.events.count - 1] = event
      } else {
        waiting.events.append(event)
      }
    }
    bell.yield()
  }

  func take() -> TransferEvent? {
    waiting.withLock { waiting in
      guard waiting.first < waiting.events.count else { return nil }
      defer {
        waiting.first += 1
        if waiting.first == waiting.events.count { waiting = Waiting() }
      }
      return waiting.events[waiting.first]
    }
  }

  func end() { bell.finish() }
}

extension TransferEvent {
  /// Whether an earlier event says nothing any more beside this one.
  fileprivate func replaces(_ earlier: TransferEvent) -> Bool {
    switch (earlier, self) {
    case (.progress, .progress), (.hashing, .hashing), (.checking, .checking): true
    default: false
    }
  }
}
