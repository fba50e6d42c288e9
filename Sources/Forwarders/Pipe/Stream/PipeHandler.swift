internal import NIOCore
internal import TLSTransport

/// Tells a ``PipeStream`` what its channel says.
final class PipeHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let stream: PipeStream

  init(_ stream: PipeStream) {
    self.stream = stream
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    stream.received(Self.unwrapInboundIn(data))
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is TLSHandshakeCompleted: stream.ready()
    case ChannelEvent.inputClosed: stream.peerEnded()
    default: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    stream.failed(error)
  }

  func channelInactive(context: ChannelHandlerContext) {
    stream.closed()
  }
}

/// Between socket and TLS: tells of the end of the socket's stream before TLS hears of it, which would answer it with
/// `close_notify`, and the backend could take that for the end of the upload.
final class TransportEndHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let stream: PipeStream

  init(_ stream: PipeStream) {
    self.stream = stream
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event as? ChannelEvent == .inputClosed { stream.transportEnded() }
    context.fireUserInboundEventTriggered(event)
  }
}
