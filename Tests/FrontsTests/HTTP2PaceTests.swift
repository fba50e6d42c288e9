import NIOCore
import NIOEmbedded
import Testing

@testable import Fronts

struct HTTP2PaceTests {
  private final class Reads: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    private(set) var count = 0

    func read(context: ChannelHandlerContext) { count += 1 }
  }

  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  private static let windowUpdate: [UInt8] = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1]

  /// Reads that reach the socket at once, within a second, and within eleven.
  private func reads(after frames: Int) throws -> (atOnce: Int, inAMoment: Int, inTime: Int) {
    let (channel, reads) = (EmbeddedChannel(), Reads())
    try channel.pipeline.syncOperations.addHandlers(reads, HTTP2Pace())
    // A machine that was started just now has no burst to its credit.
    channel.embeddedEventLoop.advanceTime(by: .seconds(60))
    var bytes = ByteBuffer(bytes: Self.preface)
    for _ in 0..<frames { bytes.writeBytes(Self.windowUpdate) }
    try channel.writeInbound(bytes)
    channel.read()
    channel.read()
    let atOnce = reads.count
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    let inAMoment = reads.count
    channel.embeddedEventLoop.advanceTime(by: .seconds(10))
    let inTime = reads.count
    _ = try channel.finish()
    return (atOnce, inAMoment, inTime)
  }

  @Test("a client with few such frames is read from at once")
  func few() throws {
    #expect(try reads(after: 100) == (2, 2, 2))
  }

  @Test("one that floods is read from again once its frames are paid for")
  func flood() throws {
    #expect(try reads(after: 10_000) == (0, 0, 1))
  }
}
