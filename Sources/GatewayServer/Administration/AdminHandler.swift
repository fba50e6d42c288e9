import NIOCore
import NIOHTTP1

/// One connection of the admin listener: takes one request, answers it, and closes. Whoever is slow at either is cut off.
final class AdminHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// For all of the connection.
  static let patience = TimeAmount.seconds(20)
  /// No request has a body that says anything: what comes as one is not read.
  static let mostBody = 4 << 10

  private let answer: @Sendable (AdminRequest) async -> AdminAnswer
  private var request: AdminRequest?
  private var bodySize = 0
  private var isAnswering = false
  private var deadline: Scheduled<Void>?

  init(answer: @escaping @Sendable (AdminRequest) async -> AdminAnswer) {
    self.answer = answer
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    deadline = context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.cancel()
    deadline = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): if request == nil { request = AdminRequest(head) }
    case .body(let bytes):
      bodySize += bytes.readableBytes
      if bodySize > Self.mostBody { send(.text(.payloadTooLarge, "no request has a body here"), context) }
    case .end:
      guard let request, !isAnswering else { return }
      isAnswering = true
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      context.eventLoop.makeFutureWithTask { [answer] in await answer(request) }.whenSuccess { answer in
        let (handler, context) = bound.value
        handler.isAnswering = false
        handler.send(answer, context)
      }
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard error is HTTPParserError, !isAnswering else { return context.close(promise: nil) }
    send(.text(.badRequest, "this is no request of HTTP/1.1"), context)
  }

  private func send(_ answer: AdminAnswer, _ context: ChannelHandlerContext) {
    // One answer, whatever else comes.
    guard !isAnswering, context.channel.isActive else { return }
    isAnswering = true
    var fields: HTTPHeaders = [
      "Content-Type": answer.type, "Content-Length": "\(answer.body.utf8.count)", "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff", "Connection": "close",
    ]
    for (name, value) in answer.fields { fields.add(name: name, value: value) }
    context.write(
      wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: answer.status, headers: fields))), promise: nil)
    if request?.method != .HEAD {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
    }
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
  }
}
