import NIOCore
import NIOHPACK
import NIOHTTP2

/// Sees to it that a request's host is its `:authority`, also where it has a `host` as well (RFC 9113, section 8.3.1): NIO's
/// codec would take the other one.
final class HTTP2Authority: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .headers(var head) = unwrapInboundIn(data), head.headers.contains(name: ":authority"),
      head.headers.contains(name: "host")
    else { return context.fireChannelRead(data) }
    head.headers.remove(name: "host")
    context.fireChannelRead(wrapInboundOut(.headers(head)))
  }
}
