import NIOCore
import XStream

/// Sends a sequence that can be read once. Bytes that were sent and are not safe yet are kept, up to a window.
final class SequenceFeed: StreamFeed {
  /// Chunks below this, in bytes, are gathered.
  private static let small = 16 << 10
  private static let gathered = 64 << 10

  private let expected: Int64?
  private let window: Int
  private let read: SequenceReader
  private let loop: any EventLoop
  private var reader: Task<Void, Never>?

  private var chunks = CircularBuffer<ByteBuffer>()
  /// The offset of the first kept byte, and of the byte after the last.
  private var oldest: Int64 = 0
  private var end: Int64 = 0
  /// The next byte to take: its offset, its chunk, and the bytes before it in that chunk.
  private var position: Int64 = 0
  private var index = 0
  private var within = 0
  private var hasEnded = false
  private var failure: FeedError?
  private var room: EventLoopPromise<Void>?
  private var waiters: [EventLoopPromise<Void>] = []

  var onReady: (() -> Void)?

  init(total: Int64?, window: Int, loop: any EventLoop, read: @escaping SequenceReader) {
    expected = total
    self.window = window
    self.loop = loop
    self.read = read
  }

  var total: Total { expected.map { .known($0) } ?? .unlimited }
  var isAtEnd: Bool { hasEnded && position == end }

  func start(at offset: Int64, portion: Int64) throws(FeedError) {
    guard offset >= oldest, offset <= end else { throw .cannotRewind(to: offset, oldest: oldest) }
    safe(upTo: offset)
    (position, index, within) = (offset, 0, 0)
    startReading()
  }

  func take(_ maximum: Int) -> FeedStep {
    if let failure { return .failed(failure) }
    while index < chunks.count {
      let chunk = chunks[chunks.index(chunks.startIndex, offsetBy: index)]
      let count = min(maximum, chunk.readableBytes - within)
      guard count > 0, let slice = chunk.getSlice(at: chunk.readerIndex + within, length: count) else {
        // The last chunk may still grow, so its end is not the next one's beginning.
        guard index + 1 < chunks.count else { break }
        (index, within) = (index + 1, 0)
        continue
      }
      position += Int64(count)
      within += count
      return .bytes(slice)
    }
    guard hasEnded else { return .wait }
    if let expected { return .failed(.wrongLength(expected: expected, got: end)) }
    return .end
  }

  func safe(upTo offset: Int64) {
    while oldest < offset, let first = chunks.first {
      let count = min(offset - oldest, Int64(first.readableBytes))
      oldest += count
      if Int(count) == first.readableBytes {
        chunks.removeFirst()
        if index > 0 { index -= 1 } else { within = 0 }
      } else {
        chunks[chunks.startIndex].moveReaderIndex(forwardBy: Int(count))
        if index == 0 { within -= Int(count) }
      }
    }
    giveRoom()
  }

  func ready(on loop: any EventLoop) -> EventLoopFuture<Void> {
    // Before the first connection nothing is read: the source keeps its bytes until someone wants them.
    guard reader != nil, oldest == end, !hasEnded, failure == nil else { return loop.makeSucceededVoidFuture() }
    let promise = loop.makePromise(of: Void.self)
    waiters.append(promise)
    return promise.futureResult
  }

  func canStart(at offset: Int64) -> Bool { (oldest...end).contains(offset) }

  func close() {
    reader?.cancel()
    onReady = nil
    failure = failure ?? .sequence("the upload is over")
    giveRoom()
    speak()
  }

  private func startReading() {
    guard reader == nil else { return }
    let (loop, read) = (loop, read)
    let feed = NIOLoopBound(self, eventLoop: loop)
    reader = Task {
      do {
        try await read { chunk in
          try await loop.flatSubmit { feed.value.append(chunk) }.get()
        }
        loop.execute { feed.value.sequenceEnded() }
      } catch {
        let cause = "\(error)"
        loop.execute { feed.value.sequenceFailed(cause) }
      }
    }
  }

  /// - Returns: succeeds when there is room for more.
  private func append(_ chunk: ByteBuffer) -> EventLoopFuture<Void> {
    guard failure == nil else { return loop.makeFailedFuture(CancellationError()) }
    var chunk = chunk
    guard chunk.readableBytes > 0 else { return loop.makeSucceededVoidFuture() }
    end += Int64(chunk.readableBytes)
    if let expected, end > expected {
      sequenceFailed(.wrongLength(expected: expected, got: end))
      return loop.makeFailedFuture(CancellationError())
    }
    if chunk.readableBytes < Self.small, let last = chunks.last, last.readableBytes < Self.gathered {
      chunks[chunks.index(before: chunks.endIndex)].writeBuffer(&chunk)
    } else {
      chunks.append(chunk)
    }
    speak()
    guard end - oldest >= Int64(window) else { return loop.makeSucceededVoidFuture() }
    let promise = room ?? loop.makePromise(of: Void.self)
    room = promise
    return promise.futureResult
  }

  private func giveRoom() {
    guard let room, failure != nil || end - oldest < Int64(window) else { return }
    self.room = nil
    room.succeed()
  }

  private func sequenceEnded() {
    hasEnded = true
    speak()
  }

  private func sequenceFailed(_ cause: String) {
    sequenceFailed(.sequence(cause))
  }

  private func sequenceFailed(_ error: FeedError) {
    failure = failure ?? error
    speak()
  }

  private func speak() {
    let waiters = waiters
    self.waiters = []
    for waiter in waiters { waiter.succeed() }
    onReady?()
  }
}
