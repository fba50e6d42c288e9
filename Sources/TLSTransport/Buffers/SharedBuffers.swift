public import NIOCore

/// Buffers of an event loop for those above ``TLSHandler`` who put plaintext together: large ones go round among all of
/// the loop's connections, as those of plaintext do.
public enum SharedBuffers {
  /// An empty buffer that begins where its memory and its place in a file fit (``NIOCore/ByteBuffer/beginAligned(to:)``).
  ///
  /// - Parameters:
  ///   - count: bytes that it has room for.
  ///   - offset: of its first byte.
  public static func take(_ count: Int, alignedTo offset: Int64) -> ByteBuffer {
    guard count > BufferScratch.threshold else { return ByteBufferAllocator().buffer(capacity: count) }
    var buffer = BufferScratch.current.gathered.take(capacity: count + ByteBuffer.alignmentSlack)
    buffer.beginAligned(to: offset)
    return buffer
  }

  /// Lets others have a buffer's memory once nobody holds it. What was written stays as it is for those who do.
  public static func giveBack(_ buffer: ByteBuffer) {
    if buffer.storageCapacity > BufferScratch.threshold { BufferScratch.current.gathered.give(buffer) }
  }
}
