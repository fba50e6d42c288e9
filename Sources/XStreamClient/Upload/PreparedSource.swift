import NIOCore
import NIOPosix
import XStream

/// A source that is ready to be sent.
struct PreparedSource {
  let feed: NIOLoopBound<any StreamFeed>
  /// Of the whole, if it is known before.
  var digest: StreamDigest?
  /// For a file that is read in order and again.
  var reading: FileReading?
  /// Bytes in memory, for a source that is read once.
  var window: Int?

  /// The size that the file has grown to since it was opened.
  var grownTo: Int64? {
    guard let reading, let now = try? reading.file.currentStamp(), now.size > reading.size else { return nil }
    return now.size
  }
}

/// Opens the source, and reads what has to be read before bytes are sent.
struct SourcePreparation {
  let client: UploadClient
  let source: UploadSource
  let options: UploadOptions
  let onEvent: @Sendable (TransferEvent) -> Void

  func prepare(on loop: any EventLoop) async throws -> PreparedSource {
    switch source.kind {
    case .bytes(let bytes):
      let digest = options.computesDigest ? StreamDigest(of: bytes) : options.digest
      return PreparedSource(feed: try await bound(on: loop) { BytesFeed(bytes) }, digest: digest)
    case .sequence(let total, let window, let read):
      return try await sequence(total: total, window: window, read, on: loop)
    case .path(let path):
      let file = try await client.threads.runIfActive { try FileToSend(path) }
      return try await prepare(file, on: loop)
    case .file(let file):
      return try await prepare(file, on: loop)
    }
  }

  /// Hashes the whole file, on a thread of the pool.
  ///
  /// - Throws: ``UploadError``.
  func digest(of reading: FileReading, _ point: ResumePoint?) async throws -> StreamDigest {
    try await read(reading, to: reading.size, point) { .hashing(done: $0, total: reading.size) }
    reading.isDigestAnnounced = true
    guard let digest = StreamDigest(bytes: reading.reached.digest) else {
      preconditionFailure("SHA-256 has 32 bytes")
    }
    return digest
  }

  private func prepare(_ file: FileToSend, on loop: any EventLoop) async throws -> PreparedSource {
    let open = file.open
    guard open.hasSize else {
      let bytes = DescriptorBytes(descriptor: open.descriptor, owner: open)
      return try await sequence(total: nil, window: UploadSource.window, UploadSource.reader(of: bytes), on: loop)
    }
    let earlier = options.resume == nil && options.place == nil ? nil : options.proof
    let reading = FileReading(open, earlier: earlier, onProof: options.onProof)
    if let earlier, earlier.end > reading.size {
      throw FeedError.ended(path: open.path, expected: earlier.end, got: reading.size).error(options.resume)
    }
    var digest = options.digest
    if options.computesDigest || options.resume != nil && earlier == nil && digest == nil {
      digest = try await self.digest(of: reading, options.resume)
    } else if let earlier {
      try await read(reading, to: earlier.end, options.resume) { .checking(done: $0, total: earlier.end) }
    }
    reading.isDigestAnnounced = digest != nil
    let threads = client.threads
    let feed = try await bound(on: loop) { FileFeed(reading, threads: threads, loop: loop) }
    return PreparedSource(feed: feed, digest: digest, reading: reading)
  }

  private func sequence(
    total: Int64?, window: Int, _ read: @escaping SequenceReader, on loop: any EventLoop
  ) async throws -> PreparedSource {
    let feed = try await bound(on: loop) { SequenceFeed(total: total, window: window, loop: loop, read: read) }
    return PreparedSource(feed: feed, digest: options.digest, window: window)
  }

  /// Reads up to a byte: a turn for each few MiB, so that cancellation is seen and the thread is shared.
  private func read(
    _ reading: FileReading, to end: Int64, _ point: ResumePoint?, _ event: (Int64) -> TransferEvent
  ) async throws {
    do {
      while true {
        try Task.checkCancellation()
        let isThere = try await client.threads.runIfActive { try reading.advance(to: end) }
        onEvent(event(reading.position))
        if isThere { return }
      }
    } catch let error as FeedError {
      throw error.error(point)
    } catch is CancellationError {
      throw UploadError.cancelled(point)
    }
  }

  private func bound(
    on loop: any EventLoop, _ make: @escaping @Sendable () -> any StreamFeed
  ) async throws -> NIOLoopBound<any StreamFeed> {
    try await loop.submit { NIOLoopBound(make(), eventLoop: loop) }.get()
  }
}
