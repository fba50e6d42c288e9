public import NIOCore

/// Sizes a channel's receive buffer in three stages: 4 KiB for the handshake and idle connections, 64 KiB once that
/// was filled, and 512 KiB for bulk data.
///
/// Set it together with `ChannelOptions.maxMessagesPerRead` = 1 (``apply(to:)`` does both). Then a channel keeps the
/// first buffer that it ever got, whether it is of use or not: that one is small, and is read into once. All others are
/// shared by the connections of the event loop, because ``TLSHandler`` gives each back once it is decrypted.
public struct StagedReceiveAllocator: RecvByteBufferAllocator {
  /// Sizes in bytes.
  public static let stages = [4 << 10, 64 << 10, 512 << 10]

  /// Enough for most ClientHellos, in bytes.
  static let firstSize = 512

  private var hasBegun = false
  private var stage = 0
  private var smallReads = 0

  /// An allocator at its first stage.
  public init() {}

  /// Sets this allocator and the number of reads per turn on a channel.
  ///
  /// - Throws: what the channel throws, if it does not have these options.
  public static func apply(to channel: any Channel) throws {
    guard let options = channel.syncOptions else { return }
    try options.setOption(.maxMessagesPerRead, value: 1)
    try options.setOption(.recvAllocator, value: StagedReceiveAllocator())
  }

  /// Room for the plaintext of a read. NIO rounds it up to a power of two, so that there are few sizes and buffers can
  /// go round. No more than that: who waits for a slow disk holds the whole buffer, and is counted with its bytes
  /// alone.
  static func plaintextCapacity(forCiphertext count: Int) -> Int {
    TLSSession.plaintextCapacity(forCiphertext: count) + ByteBuffer.alignmentSlack
  }

  /// An empty buffer of the current stage's size.
  public func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
    guard hasBegun else { return allocator.buffer(capacity: Self.firstSize) }
    let size = Self.stages[stage]
    return stage == 0
      ? BufferScratch.current.receivedLittle.take(capacity: size)
      : BufferScratch.current.received.take(capacity: size)
  }

  /// Nil: with an answer here the channel would keep the largest buffer that it ever used.
  public func nextBufferSize() -> Int? { nil }

  /// A full buffer goes up a stage; two reads in a row that the stage below would have held go down again.
  ///
  /// - Returns: true: the next buffer must be asked for.
  public mutating func record(actualReadBytes: Int) -> Bool {
    hasBegun = true
    if actualReadBytes >= Self.stages[stage] {
      smallReads = 0
      if stage + 1 < Self.stages.count { stage += 1 }
    } else if stage > 0, actualReadBytes < Self.stages[stage - 1] {
      smallReads += 1
      if smallReads >= 2 {
        smallReads = 0
        stage -= 1
      }
    } else {
      smallReads = 0
    }
    return true
  }
}
