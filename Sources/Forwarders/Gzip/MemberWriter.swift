internal import NIOCore

/// One member on its way into the file.
///
/// `@unchecked Sendable`, because it is used by one thread at a time: ``GzipBody`` hands it to one ``Piece``, waits for that
/// to be done, and hands it on. ``ParallelWork`` orders memory between them.
final class MemberWriter: @unchecked Sendable {
  let rawOffset: Int64
  /// Raw bytes that it was given.
  private(set) var rawSize = 0
  /// Of the whole member, once it has ended; before, what was made of it so far. In bytes.
  private(set) var size = 0
  private(set) var isEnded = false
  /// What was made and not yet written to the file.
  private(set) var output = ByteBuffer()

  let deflater: any Deflater
  private var checksum = GzipChecksum()

  init(rawOffset: Int64, deflater: any Deflater) {
    self.rawOffset = rawOffset
    self.deflater = deflater
  }

  var header: MemberHeader {
    MemberHeader(
      memberSize: isEnded ? UInt32(size) : 0, rawSize: isEnded ? UInt32(rawSize) : 0, rawOffset: UInt64(rawOffset))
  }

  /// Begun in an earlier batch, so that its header is in the file already.
  var isHeaderWritten: Bool { size > output.readableBytes }

  func add(_ buffers: [ByteBuffer]) throws(CompressionFault) {
    let before = output.readableBytes
    for buffer in buffers {
      try begin(sample: buffer)
      try buffer.withUnsafeReadableBytes { bytes throws(CompressionFault) in
        checksum.add(bytes)
        rawSize += bytes.count
        try deflater.add(bytes, to: &output)
      }
    }
    size += output.readableBytes - before
  }

  func end() throws(CompressionFault) {
    let before = output.readableBytes
    try begin(sample: ByteBuffer())
    try deflater.end(to: &output)
    output.writeInteger(checksum.value, endianness: .little)
    output.writeInteger(UInt32(truncatingIfNeeded: rawSize), endianness: .little)
    size += output.readableBytes - before
    isEnded = true
    if !isHeaderWritten { output.setBuffer(header.bytes, at: output.readerIndex) }
  }

  /// What is to be written next; it is the caller's from then on.
  func takeOutput() -> ByteBuffer {
    defer { output = ByteBuffer() }
    return output
  }

  /// Before the first byte: the header's room, filled in when the sizes are known.
  private func begin(sample: ByteBuffer) throws(CompressionFault) {
    guard size == 0, output.readableBytes == 0 else { return }
    output.writeImmutableBuffer(header.bytes)
    try sample.withUnsafeReadableBytes { bytes throws(CompressionFault) in try deflater.begin(sample: bytes) }
  }
}
