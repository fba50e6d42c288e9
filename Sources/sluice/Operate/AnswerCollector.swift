import NIOCore
import NIOHTTP1

/// Sends one request, and puts its answer together.
final class AnswerCollector: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  /// The gateway is there, and says nothing that can be understood.
  enum Failure: Error, CustomStringConvertible {
    case late, large, cut

    var description: String {
      switch self {
      case .late: "it took too long"
      case .large: "it said too much"
      case .cut: "it closed the connection before it had said all"
      }
    }
  }

  /// In bytes; the listener's answers are smaller.
  private static let most = 16 << 20

  private let head: HTTPRequestHead
  private let promise: EventLoopPromise<AdminConnection.Answer>
  private var status: UInt = 0
  private var body = ByteBuffer()

  /// - Parameter promise: gets the answer, or fails with ``Failure`` or what the connection failed with. Whoever waits for it
  ///   says how long.
  init(_ head: HTTPRequestHead, into promise: EventLoopPromise<AdminConnection.Answer>) {
    self.head = head
    self.promise = promise
  }

  func channelActive(context: ChannelHandlerContext) {
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): status = head.status.code
    case .body(var part):
      guard body.readableBytes + part.readableBytes <= Self.most else { return fail(.large, context) }
      body.writeBuffer(&part)
    case .end:
      promise.succeed(AdminConnection.Answer(status: status, body: String(buffer: body)))
      context.close(promise: nil)
    }
  }

  func channelInactive(context: ChannelHandlerContext) { promise.fail(Failure.cut) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    promise.fail(error)
    context.close(promise: nil)
  }

  private func fail(_ failure: Failure, _ context: ChannelHandlerContext) {
    promise.fail(failure)
    context.close(promise: nil)
  }
}
