internal import NIOCore

/// What was made of a member and not yet written: bytes of its own, and between them such as are written from where they
/// arrived.
struct MemberOutput {
  /// Own bytes, which more are appended to.
  var bytes = ByteBuffer()
  private var before: [ByteBuffer] = []
  private var countBefore = 0
  /// Shares the memory of the own bytes that were given away last: nobody else's, once they are written.
  private var spare = ByteBuffer()

  var count: Int { countBefore + bytes.readableBytes }

  /// Appends bytes without copying them.
  mutating func append(_ other: ByteBuffer) {
    closeOwn()
    before.append(other)
    countBefore += other.readableBytes
  }

  /// All in order; nothing of it stays here.
  mutating func take() -> [ByteBuffer] {
    closeOwn()
    defer { (before, countBefore) = ([], 0) }
    return before
  }

  /// Writes over the first bytes.
  mutating func overwriteStart(_ start: ByteBuffer) {
    if before.isEmpty {
      bytes.setBuffer(start, at: bytes.readerIndex)
    } else {
      before[0].setBuffer(start, at: before[0].readerIndex)
    }
  }

  /// Forgets everything, and goes on in memory that it had before.
  mutating func restart() {
    (before, countBefore) = ([], 0)
    swap(&bytes, &spare)
    spare = ByteBuffer()
    bytes.clear()
  }

  private mutating func closeOwn() {
    guard bytes.readableBytes > 0 else { return }
    if bytes.storageCapacity >= spare.storageCapacity { spare = bytes }
    before.append(bytes)
    countBefore += bytes.readableBytes
    bytes = ByteBuffer()
  }
}
