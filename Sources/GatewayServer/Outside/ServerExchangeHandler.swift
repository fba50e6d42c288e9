import NIOCore
import NIOHTTP1
import TLSTransport

/// One request on a connection, from the end of its handshake to its answer.
final class ServerExchangeHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private let head: HTTPRequestHead
  private let body: ByteBuffer
  private let timeLimit: TimeAmount
  private let answerLimit: Int
  private let promise: EventLoopPromise<OutsideAnswer>
  private var answer: HTTPResponseHead?
  private var content: [UInt8] = []
  private var deadline: Scheduled<Void>?
  private var isOver = false

  init(
    head: HTTPRequestHead, body: ByteBuffer, timeLimit: TimeAmount, answerLimit: Int,
    promise: EventLoopPromise<OutsideAnswer>
  ) {
    self.head = head
    self.body = body
    self.timeLimit = timeLimit
    self.answerLimit = answerLimit
    self.promise = promise
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
    deadline = context.eventLoop.scheduleTask(in: timeLimit) {
      let (handler, context) = bound.value
      handler.end(.refused(reason: "no answer within the `time-limit`"), context)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    end(.refused(reason: "the connection ended before there was an answer"), context)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is TLSHandshakeCompleted {
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head) where head.status.code < 200: return
    case .head(let head): answer = head
    case .body(let bytes): content += bytes.readableBytesView.prefix(max(0, answerLimit - content.count))
    case .end:
      guard let answer else { return }
      if answer.status.code / 100 == 2 { return end(.taken(content), context) }
      let seconds = answer.headers["retry-after"].first.flatMap { Int64($0) }
      end(
        .refused(
          reason: "the receiver answered \(answer.status.code)",
          retryAfter: seconds.map { min(max($0, 0), 86_400) * 1000 }),
        context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(.refused(reason: "\(error)"), context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    end(.refused(reason: "the connection ended before there was an answer"), context)
    context.fireChannelInactive()
  }

  private func end(_ outcome: OutsideAnswer, _ context: ChannelHandlerContext) {
    guard !isOver else { return }
    isOver = true
    deadline?.cancel()
    promise.succeed(outcome)
    context.close(promise: nil)
  }
}
