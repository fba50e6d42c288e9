import Fronts
import GatewayCore
import Ledgers
import Logging
import NIOCore
import NIOEmbedded
import TLSTransport
import Testing

/// What a client asks is answered no faster than it reads.
struct AnswersInMemoryTests {
  @Test("while the socket is full no more requests are answered, and all of them once there is room")
  func backpressure() throws {
    let folder = try GatewayFolder()
    let ledger = try EmbeddedLedger(path: folder.path + "/ledger.sqlite")
    defer { ledger.close() }
    let gateway = Gateway(
      destinations: [], ledger: ledger,
      settings: GatewaySettings(window: 1 << 20, memory: 1 << 20, holder: "test", now: { WallTime(milliseconds: 0) }))
    let timeouts = FrontTimeouts(head: .seconds(30), idle: .seconds(300), silence: .seconds(60))
    let channel = EmbeddedChannel(
      handler: XStreamHandler(
        gateway: gateway, timeouts: timeouts, logger: CapturedLog().logger,
        peer: ConnectionPeer(address: "127.0.0.1", recordPath: .library, now: { WallTime(milliseconds: 0) })))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    channel.isWritable = false
    try channel.writeInbound(ByteBuffer(string: String(repeating: idleQuestion, count: 3)))
    #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    channel.isWritable = true
    channel.pipeline.fireChannelWritabilityChanged()
    for _ in 0..<3 {
      let answer = try #require(try channel.readOutbound(as: ByteBuffer.self))
      #expect(String(buffer: answer).contains("status: 2"))
    }
    #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    _ = try? channel.finish()
  }
}
