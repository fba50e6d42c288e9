import NIOCore

/// A buffer that goes between the event loop, which sends it, and a reading thread, which fills it.
///
/// Unchecked, because the compiler cannot see the turns: the event loop hands it out with the work and touches it again
/// when the work's future is complete, so it always has one owner.
final class FilePortion: @unchecked Sendable {
  private(set) var bytes = ByteBuffer()

  /// Reads a part of the file.
  ///
  /// - Returns: the bytes there were, fewer than asked for at the file's end only.
  func fill(from file: OpenFile, at offset: Int64, count: Int) throws(FeedError) -> Int {
    // While nobody else holds the storage it is used again.
    bytes.clear(minimumCapacity: count)
    var failure: FeedError?
    let filled = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
      do throws(FeedError) {
        return try file.read(into: UnsafeMutableRawBufferPointer(rebasing: memory.prefix(count)), at: offset)
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    return filled
  }

  /// Takes bytes from the front.
  func take(_ maximum: Int) -> ByteBuffer {
    guard bytes.readableBytes > maximum, let slice = bytes.readSlice(length: maximum) else {
      let all = bytes
      bytes.moveReaderIndex(forwardBy: bytes.readableBytes)
      return all
    }
    return slice
  }
}
