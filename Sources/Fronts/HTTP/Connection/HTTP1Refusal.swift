import HTTPUpload
import NIOCore
import NIOHTTP1

/// Answers what the parser refuses. It stands between the parser and NIO's pipeline handler, which knows of no request then
/// and would take an answer for a mistake of ours.
final class HTTP1Refusal: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private weak var exchanges: HTTPExchangeHandler?
  private var context: ChannelHandlerContext?

  init(_ exchanges: HTTPExchangeHandler) {
    self.exchanges = exchanges
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let problem = HTTPProblem(parserError: error) else { return context.fireErrorCaught(error) }
    if exchanges?.inputIsBad(problem) != true { refuse(problem) }
  }

  /// Answers where no request is under way.
  func refuse(_ problem: HTTPProblem) {
    guard let context else { return }
    let answer = ProblemAnswer(problem)
    var headers = HTTPHeaders(answer.fields)
    headers.add(name: "Content-Length", value: "\(answer.body.utf8.count)")
    headers.add(name: "Connection", value: "close")
    let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    exchanges?.drain()
  }
}

extension HTTPProblem {
  /// What the parser refused; `nil` where it was not the parser.
  init?(parserError error: any Error) {
    guard let error = error as? HTTPParserError else { return nil }
    self = error == .headerOverflow ? .headTooLarge : .badMessage(.content)
  }
}
