public import NIOCore

extension ByteBuffer {
  /// What blocks of files and pages of memory have in common, in bytes.
  public static let blockSize = 4096

  /// How much more a buffer has to be able to hold for ``beginAligned(to:)``, in bytes.
  public static let alignmentSlack = blockSize - 1

  /// Makes an empty buffer begin where its memory's address and an offset in a stream have the same remainder by
  /// ``blockSize``: whole blocks of the stream's file are then whole blocks of memory, and can be written past the page
  /// cache (`O_DIRECT` in open(2)) without being copied.
  ///
  /// Does nothing where the buffer lacks the room.
  public mutating func beginAligned(to offset: Int64) {
    clear()
    let address = withVeryUnsafeBytes { Int(bitPattern: $0.baseAddress) }
    let slack = (Int(truncatingIfNeeded: offset) &- address) & (Self.blockSize - 1)
    guard slack < capacity else { return }
    moveWriterIndex(to: slack)
    moveReaderIndex(to: slack)
  }
}
