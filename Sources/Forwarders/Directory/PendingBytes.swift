internal import NIOCore

/// What a sink was given and has not handed to a store thread yet.
///
/// A small piece is often a slice of a whole read, whose memory it would keep for as long as it waits. So small pieces
/// are copied together, and only large ones are kept as they are.
struct PendingBytes {
  /// Pieces from this size on are not copied, in bytes.
  static let largeFrom = 64 << 10
  /// A buffer of copied pieces holds no more than this, in bytes.
  static let gatheredLimit = 256 << 10

  /// In the stream's order; none is empty.
  private(set) var buffers: [ByteBuffer] = []
  /// The last buffer holds copies and may take more of them.
  private var isGathering = false

  var isEmpty: Bool { buffers.isEmpty }

  mutating func append(_ bytes: ByteBuffer) {
    let count = bytes.readableBytes
    if count >= Self.largeFrom {
      buffers.append(bytes)
      isGathering = false
    } else if isGathering, let last = buffers.last?.readableBytes, last + count <= Self.gatheredLimit {
      buffers[buffers.count - 1].writeImmutableBuffer(bytes)
    } else if count > 0 {
      var gathered = ByteBufferAllocator().buffer(capacity: max(count, 1024))
      gathered.writeImmutableBuffer(bytes)
      buffers.append(gathered)
      isGathering = true
    }
  }

  /// Moves everything into `batch`, and takes over the empty array's capacity in exchange.
  mutating func move(into batch: inout [ByteBuffer]) {
    precondition(batch.isEmpty, "the batch before this one is still being written")
    swap(&buffers, &batch)
    isGathering = false
  }

  mutating func removeAll() {
    buffers = []
    isGathering = false
  }
}
