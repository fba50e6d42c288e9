internal import NIOCore

/// Deflate blocks without compression (RFC 1951, section 3.2.4) of bytes that stay where they are.
///
/// All blocks but the last are full, so that many small parts cost no more than few large ones.
struct StoredBlocks {
  /// A block's length has 16 bits.
  static let limit = 65_535

  /// Copies of bytes from before, for the next block.
  private var kept = ByteBuffer()
  /// Goes behind it.
  private var parts: [ByteBuffer] = []
  private var count = 0

  /// Appends the full blocks that there are with these bytes to `output`, which shares their memory.
  mutating func add(_ bytes: ByteBuffer, to output: inout MemberOutput) {
    var bytes = bytes
    while let part = bytes.readSlice(length: min(bytes.readableBytes, Self.limit - count)), part.readableBytes > 0 {
      parts.append(part)
      count += part.readableBytes
      if count == Self.limit { emit(isLast: false, to: &output) }
    }
  }

  /// Lets go of memory that others have: what waits for its block to become full is copied.
  mutating func keep() {
    for part in parts { kept.writeImmutableBuffer(part) }
    parts.removeAll(keepingCapacity: true)
  }

  /// Brings out what waits.
  ///
  /// - Parameter endsStream: the last block says that it is the last, and may be empty.
  mutating func end(endsStream: Bool, to output: inout MemberOutput) {
    if endsStream || count > 0 { emit(isLast: endsStream, to: &output) }
  }

  private mutating func emit(isLast: Bool, to output: inout MemberOutput) {
    let length = UInt16(count)
    output.bytes.writeMultipleIntegers(
      isLast ? 1 : 0, length, ~length, endianness: .little, as: (UInt8, UInt16, UInt16).self)
    if kept.readableBytes > 0 { output.append(kept) }
    for part in parts { output.append(part) }
    kept = ByteBuffer()
    parts.removeAll(keepingCapacity: true)
    count = 0
  }
}
