internal import NIOCore

/// Bytes on their way to a backend's socket: those that the channel has, and those that wait until it has fewer. No I/O.
///
/// What the channel has stays as it came, and a small piece is often a slice of a whole read, whose memory it would keep for
/// as long as a backend does not read. So what has to wait is copied together where it is small (``PendingBytes``).
struct PipeOutput {
  /// What the channel may have when it gets more, in bytes.
  private static let enough = 256 << 10

  private var waiting = PendingBytes()
  /// Bytes that the channel has.
  private var handedOver = 0

  /// Bytes that are not out.
  var count: Int { waiting.count + handedOver }
  /// Bytes of these that the channel does not have.
  var waitingCount: Int { waiting.count }
  var isIdle: Bool { count == 0 }

  /// - Returns: what the channel gets now.
  mutating func add(_ bytes: ByteBuffer) -> [ByteBuffer] {
    guard !isIdle else {
      handedOver = bytes.readableBytes
      return [bytes]
    }
    waiting.append(bytes)
    return takeNext()
  }

  /// The socket took so many bytes, or never will.
  ///
  /// - Returns: what the channel gets now.
  mutating func sent(_ count: Int) -> [ByteBuffer] {
    handedOver -= count
    return takeNext()
  }

  /// Forgets what the channel does not have.
  ///
  /// - Returns: how many bytes that was.
  mutating func drop() -> Int {
    defer { waiting.removeAll() }
    return waiting.count
  }

  /// A piece that still grows waits for as long as the channel has something to do.
  private mutating func takeNext() -> [ByteBuffer] {
    guard handedOver < Self.enough, handedOver == 0 || waiting.count >= PendingBytes.largeFrom else { return [] }
    var pieces: [ByteBuffer] = []
    waiting.move(into: &pieces)
    handedOver += pieces.reduce(0) { $0 + $1.readableBytes }
    return pieces
  }
}
