import NIOCore
import NIOHTTP1
import TLSTransport

/// Between a channel and the ``HTTPConnection`` whose requests it carries: of HTTP/1.1 the connection's own channel, of HTTP/2 a
/// stream's.
final class HTTPChannelHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private let connection: HTTPConnection
  private(set) var context: ChannelHandlerContext?

  init(_ connection: HTTPConnection) {
    self.connection = connection
  }

  var isWritable: Bool { context?.channel.isWritable ?? false }
  var isActive: Bool { context?.channel.isActive ?? false }

  func send(_ part: HTTPClientRequestPart) {
    context?.write(wrapOutboundOut(part), promise: nil)
  }

  func flush() { context?.flush() }

  /// Ends the stream, or the connection.
  func close() { context?.close(promise: nil) }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    connection.received(unwrapInboundIn(data), from: self)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { connection.mayWrite() }
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    connection.ended(self, .lost("the connection was lost"))
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    connection.heard(event)
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    connection.ended(self, connection.setback(of: error))
    context.close(promise: nil)
  }
}
