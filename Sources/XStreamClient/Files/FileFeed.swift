import NIOCore
import NIOPosix
import XStream

/// A file, read one portion ahead on a thread of the pool: while one is encrypted and sent, the next is read and
/// hashed.
final class FileFeed: StreamFeed {
  /// Large enough that a hop to another thread costs nothing beside it, small enough for a core's cache.
  private static let portionSize = FileReading.portion

  private let reading: FileReading
  private let threads: NIOThreadPool
  private let loop: any EventLoop

  /// The byte after the last one that is read.
  private var readEnd: Int64 = 0
  /// Whether the next read is the first from there.
  private var isStarting = true
  private var portionSize = FileFeed.portionSize
  /// Counts the starts, so that what was read for an earlier connection is thrown away.
  private var generation = 0
  private var idle = [FilePortion(), FilePortion()]
  /// The portion that was read and is not wholly taken.
  private var filled: FilePortion?
  /// The portion that was taken last. Whoever took its bytes may hold them until it asks for the next.
  private var lent: FilePortion?
  private var isReading = false
  private var isClosed = false
  private var failure: FeedError?

  var onReady: (() -> Void)?

  init(_ reading: FileReading, threads: NIOThreadPool, loop: any EventLoop) {
    self.reading = reading
    self.threads = threads
    self.loop = loop
  }

  var total: Total { .known(reading.size) }
  var isAtEnd: Bool { false }

  func start(at offset: Int64, portion: Int64) {
    generation += 1
    readEnd = offset
    isStarting = true
    failure = nil
    // Whole portions of the server's wish, as many as fit.
    portionSize = portion < Self.portionSize ? Self.portionSize / portion * portion : Self.portionSize
    if let filled { idle.append(filled) }
    filled = nil
    reclaim()
    reading.file.adviseSequential(from: offset)
    readAhead()
  }

  func take(_ maximum: Int) -> FeedStep {
    if let failure { return .failed(failure) }
    guard let portion = filled else {
      // A read of an earlier start may have held the buffers.
      readAhead()
      return .wait
    }
    reclaim()
    let bytes = portion.take(maximum)
    if portion.bytes.readableBytes == 0 {
      filled = nil
      lent = portion
      readAhead()
    }
    return .bytes(bytes)
  }

  func safe(upTo offset: Int64) {}
  func ready(on loop: any EventLoop) -> EventLoopFuture<Void> { loop.makeSucceededVoidFuture() }
  func canStart(at offset: Int64) -> Bool { true }

  func close() {
    isClosed = true
    reading.cancel()
    generation += 1
    onReady = nil
  }

  private func reclaim() {
    guard let lent else { return }
    idle.append(lent)
    self.lent = nil
  }

  private func readAhead() {
    let count = min(portionSize, reading.size - readEnd)
    guard count > 0, filled == nil, failure == nil, !isReading, !isClosed, let portion = idle.popLast() else { return }
    isReading = true
    let (reading, generation, offset, isStarting) = (reading, generation, readEnd, isStarting)
    self.isStarting = false
    threads.runIfActive(eventLoop: loop) {
      Result { () throws(FeedError) in
        if isStarting { try reading.go(to: offset) }
        try reading.fill(portion, count)
      }
    }
    .assumeIsolated().whenComplete { result in
      self.wasRead(portion, result, generation)
    }
  }

  private func wasRead(_ portion: FilePortion, _ result: Result<Result<Void, FeedError>, any Error>, _ of: Int) {
    isReading = false
    guard of == generation else {
      idle.append(portion)
      readAhead()
      return
    }
    switch result {
    case .success(.success):
      // It may be fewer bytes than were asked for.
      readEnd += Int64(portion.bytes.readableBytes)
      filled = portion
    case .success(.failure(let error)):
      failure = error
      idle.append(portion)
    case .failure(let error):
      failure = .unreadable(path: reading.file.path, cause: "\(error)")
      idle.append(portion)
    }
    onReady?()
  }
}
