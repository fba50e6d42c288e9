import DevelopmentCertificates
import NIOCore
import NIOPosix
import TLSTransport
import XStream

/// A server that answers each head with a fixed text, and the end of 100 bytes of a stream with another.
func withLyingServer<Value>(
  offer: String, final: String, _ body: (_ url: String) async throws -> Value
) async throws -> Value {
  let context = try TLSContext(
    server: .init(
      certificateChainFile: Certificates.directory + "/server.pem",
      privateKeyFile: Certificates.directory + "/server.key", applicationProtocols: ["x-stream/1"]))
  let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .childChannelOption(.allowRemoteHalfClosure, value: true)
    .childChannelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandlers(
          TLSHandler(context: context), Liar(offer: offer, final: final))
      }
    }
    .bind(host: "127.0.0.1", port: 0).get()
  defer { server.close(promise: nil) }
  return try await body("xstream://localhost:\(server.localAddress?.port ?? 0)/x")
}

private final class Liar: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let offer: String
  private let final: String
  private var parser = PacketParser()
  private var input = ByteBuffer()
  private var isReceiving = false

  init(offer: String, final: String) {
    self.offer = offer
    self.final = final
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    input.writeBuffer(&bytes)
    if !isReceiving, (try? parser.parse(&input)) ?? nil != nil {
      isReceiving = true
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: offer)), promise: nil)
    }
    if isReceiving, input.readableBytes >= 100 {
      input.moveReaderIndex(forwardBy: 100)
      isReceiving = false
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: final)), promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
