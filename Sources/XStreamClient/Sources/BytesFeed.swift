import NIOCore
import XStream

/// Sends bytes that are in memory.
final class BytesFeed: StreamFeed {
  private static let portion = 512 << 10

  private let bytes: ByteBuffer
  private var position = 0
  var onReady: (() -> Void)?

  init(_ bytes: ByteBuffer) {
    self.bytes = bytes
  }

  var total: Total { .known(Int64(bytes.readableBytes)) }
  var isAtEnd: Bool { false }

  func start(at offset: Int64, portion: Int64) {
    position = Int(offset)
  }

  func take(_ maximum: Int) -> FeedStep {
    let count = min(maximum, Self.portion, bytes.readableBytes - position)
    guard let slice = bytes.getSlice(at: bytes.readerIndex + position, length: count), count > 0 else { return .wait }
    position += count
    return .bytes(slice)
  }

  func safe(upTo offset: Int64) {}
  func ready(on loop: any EventLoop) -> EventLoopFuture<Void> { loop.makeSucceededVoidFuture() }
  func canStart(at offset: Int64) -> Bool { true }
  func close() {}
}
