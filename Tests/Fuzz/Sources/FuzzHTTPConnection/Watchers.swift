import NIOCore
import NIOHTTP1

/// Stands in the socket's place: remembers whether the front wants more to be read, and what it wrote.
final class SocketEnd: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private(set) var output: [UInt8] = []
  private(set) var isReadWanted = false
  private(set) var hasEnded = false

  func read(context: ChannelHandlerContext) { isReadWanted = true }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReadWanted = false
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    precondition(!hasEnded, "bytes behind the end of the output")
    output += unwrapOutboundIn(data).readableBytesView
    promise?.succeed()
  }

  /// TLS ends its output by `close_notify`, and reads on.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    hasEnded = true
    guard mode == .output else { return context.close(mode: .all, promise: promise) }
    promise?.succeed()
  }
}

/// Stands behind the parser: what requests there are, and their bodies.
final class RequestWatch: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart

  struct Request {
    var head: HTTPRequestHead
    var body: [UInt8] = []
    var isWhole = false
  }

  private(set) var requests: [Request] = []
  private(set) var hasFailed = false

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): requests.append(Request(head: head))
    case .body(let bytes): requests[requests.count - 1].body += bytes.readableBytesView
    case .end: requests[requests.count - 1].isWhole = true
    }
    context.fireChannelRead(data)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    hasFailed = true
    context.fireErrorCaught(error)
  }
}
