import NIOCore
import NIOHTTP2

/// The end of an HTTP/2 connection's own pipeline: what is not of one stream.
final class HTTP2Root: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame

  private let connection: HTTPConnection

  init(_ connection: HTTPConnection) {
    self.connection = connection
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // What is under way goes on; nothing new is begun.
    if case .goAway = unwrapInboundIn(data).payload { connection.mayCarryNoMore() }
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    connection.end(.lost("the connection was lost"))
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    connection.heard(event)
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Errors of one stream come here as well; the stream's own channel ends by itself.
    guard !(error is NIOHTTP2Errors.StreamError) else { return }
    connection.end(connection.setback(of: error))
    context.close(promise: nil)
  }
}
