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

  /// In bytes.
  private(set) var count = 0

  var isEmpty: Bool { buffers.isEmpty }

  mutating func append(_ bytes: ByteBuffer) {
    let count = bytes.readableBytes
    self.count += count
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
    count = 0
    isGathering = false
  }

  /// Gives out the first `wanted` bytes, which there have to be.
  mutating func take(_ wanted: Int) -> [ByteBuffer] {
    precondition(wanted <= count, "more than there is")
    var taken: [ByteBuffer] = []
    var missing = wanted
    var whole = 0
    while missing > 0 {
      if buffers[whole].readableBytes <= missing {
        taken.append(buffers[whole])
        missing -= buffers[whole].readableBytes
        whole += 1
      } else if let part = buffers[whole].readSlice(length: missing) {
        taken.append(part)
        missing = 0
        // Its memory is shared from here on: what is added would move it.
        if whole == buffers.count - 1 { isGathering = false }
      }
    }
    buffers.removeFirst(whole)
    if buffers.isEmpty { isGathering = false }
    count -= wanted
    return taken
  }

  mutating func removeAll() {
    buffers = []
    count = 0
    isGathering = false
  }
}
