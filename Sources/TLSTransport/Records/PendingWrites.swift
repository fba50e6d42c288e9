internal import NIOCore

/// Writes that wait to be encrypted, in order, and how many of them were flushed.
struct PendingWrites {
  private var writes = CircularBuffer<(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)>(initialCapacity: 1)
  private var flushedCount = 0

  /// Whether nothing waits at all.
  var isEmpty: Bool { writes.isEmpty }
  /// Whether something flushed waits.
  var hasFlushed: Bool { flushedCount > 0 }

  mutating func append(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
    writes.append((bytes, promise))
  }

  mutating func flush() {
    flushedCount = writes.count
  }

  /// Encrypts flushed writes until there is `outputSize` of ciphertext, all are done, or the peer has to speak first.
  ///
  /// - Returns: the promises of the writes that are now wholly in the session's output.
  mutating func encrypt(into session: TLSSession, outputSize: Int) throws(TLSError) -> [EventLoopPromise<Void>] {
    var done: [EventLoopPromise<Void>] = []
    while flushedCount > 0, session.outputByteCount < outputSize {
      let joined = smallWritesAtFront()
      if joined > 1 {
        guard try encryptTogether(joined, into: session) else { return done }
        for _ in 0..<joined { removeFirst(&done) }
        continue
      }
      let size = min(writes[writes.startIndex].bytes.readableBytes, outputSize)
      var failure: TLSError?
      let taken = writes[writes.startIndex].bytes.readWithUnsafeReadableBytes { bytes in
        do throws(TLSError) {
          return try session.encrypt(UnsafeRawBufferPointer(rebasing: bytes.prefix(size)))
        } catch {
          failure = error
          return 0
        }
      }
      if let failure { throw failure }
      if taken < size { return done }
      if writes[writes.startIndex].bytes.readableBytes == 0 { removeFirst(&done) }
    }
    return done
  }

  /// Takes everything out. The caller fails the promises, outside of this: their callbacks may write again.
  mutating func removeAll() -> [EventLoopPromise<Void>] {
    flushedCount = 0
    let promises = writes.compactMap(\.promise)
    writes.removeAll()
    return promises
  }

  /// How many flushed writes at the front fit into one record together.
  private func smallWritesAtFront() -> Int {
    var count = 0
    var size = 0
    for write in writes.prefix(flushedCount) {
      size += write.bytes.readableBytes
      guard size <= TLSSession.recordSize else { break }
      count += 1
    }
    return count
  }

  private func encryptTogether(_ count: Int, into session: TLSSession) throws(TLSError) -> Bool {
    let size = writes.prefix(count).reduce(0) { $0 + $1.bytes.readableBytes }
    guard size > 0 else { return true }
    var failure: TLSError?
    let taken = withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { record in
      var filled = 0
      for write in writes.prefix(count) {
        write.bytes.withUnsafeReadableBytes { bytes in
          UnsafeMutableRawBufferPointer(rebasing: record[filled...]).copyMemory(from: bytes)
          filled += bytes.count
        }
      }
      do throws(TLSError) {
        return try session.encrypt(UnsafeRawBufferPointer(record))
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    return taken == size
  }

  private mutating func removeFirst(_ done: inout [EventLoopPromise<Void>]) {
    if let promise = writes.removeFirst().promise { done.append(promise) }
    flushedCount -= 1
  }
}
