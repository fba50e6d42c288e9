import GatewayCore
import HTTPUpload
import Logging
import NIOCore
import NIOHTTP1
import TLSTransport

/// One HTTP connection: gives each request to an ``HTTPExchange``, and writes what that answers.
final class HTTPExchangeHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = Never
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// After an early answer a body of up to so many bytes is read and thrown away, so that the connection stays.
  static let mostToDiscard: Int64 = 1 << 20
  /// So many bytes of a larger one are read, so that the client sees the answer before the connection ends.
  static let mostToRead: Int64 = 16 << 20
  /// One read may bring thousands of requests: after so many answers the event loop's other connections have their turn.
  static let mostInTurn = 64

  let front: HTTPFront
  let peer: ConnectionPeer
  var context: ChannelHandlerContext?
  var watch: ConnectionWatch?
  private var exchange: HTTPExchange?
  private var recordPath: TLSRecordPath
  private var hasBegunHead = false
  private var isReadWanted = false
  /// Whether more of the read that is under way may come.
  private(set) var isWithinRead = false
  private var isClosing = false
  private(set) var isStopping = false
  /// Whether the exchange that is under way, or the first one, is the last.
  private var isDraining = false
  /// Whether the client has asked anything yet.
  private var wasAsked = false
  private var pendingProgress: HTTPFields?
  private var nextProgress = NIODeadline.uptimeNanoseconds(0)
  /// An answer whose end waits for the client to read, or for others' turn, and whether the connection ends with it.
  private var heldAnswer: (exchange: HTTPExchange, ends: Bool)?
  /// Answers since the last read, or since others had their turn.
  private var answersInTurn = 0
  /// Answers where there is no exchange; `nil` for HTTP/2.
  weak var refusal: HTTP1Refusal?
  /// The connection that this is a stream of; `nil` for HTTP/1.1.
  private let connection: HTTP2Connection?

  /// - Parameter connection: whose stream this is; `nil` for HTTP/1.1.
  init(_ front: HTTPFront, peer: ConnectionPeer, connection: HTTP2Connection? = nil) {
    self.connection = connection
    self.front = front
    self.peer = peer
    self.recordPath = peer.recordPath
  }

  // MARK: The connection's life

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    watch = ConnectionWatch(
      front.timeouts, on: context.eventLoop, currentPhase: { self.currentPhase },
      onVerdict: { self.clientTookTooLong($0) })
    watch?.look()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    exchange = nil
    watch = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    watch?.stop()
    exchange?.connectionIsGone()
    front.logger.debug(
      "Connection closed", metadata: peer.label.metadata(["records": "\(recordPath.rawValue)"]))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    front.logger.debug("Connection lost", metadata: peer.label.metadata(["reason": "\(error)"]))
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case let changed as TLSRecordPathChanged: recordPath = changed.recordPath
    case ChannelEvent.inputClosed:
      // The client sends no more. What it asked is still answered, where all of the request is here.
      isClosing = true
      if exchange?.hasWholeRequest != true { context.close(promise: nil) }
    case is GatewayIsStopping: stop()
    case is GatewayIsDraining: drainExchanges()
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  /// The gateway goes away, and what is under way has time to end.
  private func drainExchanges() {
    isDraining = true
    guard exchange == nil, !hasBegunHead else { return }
    if wasAsked { context?.close(promise: nil); return }
    context?.eventLoop.assumeIsolated().scheduleTask(in: GatewayIsDraining.patience) {
      if self.exchange == nil, !self.hasBegunHead { self.context?.close(promise: nil) }
    }
  }

  private func stop() {
    isStopping = true
    isClosing = true
    guard let exchange else { context?.close(promise: nil); return }
    exchange.gatewayStops()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    watch?.writability(isWritable: context.channel.isWritable)
    if context.channel.isWritable {
      exchange?.clientReads()
      endHeldAnswer()
      readIfWanted()
    } else {
      watch?.look()
    }
    context.fireChannelWritabilityChanged()
  }

  /// Whether this is a stream of HTTP/2.
  var isStream: Bool { connection != nil }

  /// Whether the request that is under way has not come to its end.
  var isTakingBody: Bool { exchange?.hasWholeRequest == false }

  /// An upload is offered.
  func uploadIsOffered() { connection?.widen() }

  /// The parser cannot go on.
  ///
  /// - Returns: whether the exchange that is under way answers it, or ends the connection after its own answer.
  func inputIsBad(_ problem: HTTPProblem) -> Bool {
    // The connection ends after an answer already: what comes behind it is nobody's.
    if isClosing { return true }
    guard let exchange else { return false }
    if exchange.isAnswered, heldAnswer == nil {
      guard !exchange.hasWholeRequest else { return false }
      // The client has its answer, and ends its request before all of it has come.
      drain()
      return true
    }
    isClosing = true
    if !exchange.hasWholeRequest, !exchange.isAnswered { exchange.inputIsBad(problem) }
    return true
  }

  // MARK: What arrives

  /// Bytes arrived, of whatever: a head begins. In the middle of a body only its own bytes count, as the frames around them
  /// may drip for ever.
  func bytesArrived() {
    guard exchange == nil else { return }
    hasBegunHead = true
    watch?.look()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isWithinRead = true
    switch unwrapInboundIn(data) {
    case .head(let head):
      hasBegunHead = false
      guard !isClosing || exchange == nil else { return }
      wasAsked = true
      let exchange = HTTPExchange(self, head: head)
      self.exchange = exchange
      watch?.beginBody()
      exchange.begin()
    case .body(let bytes):
      if bytes.readableBytes > 0 { watch?.received(bytes.readableBytes) }
      exchange?.received(bytes)
    case .end(let trailers): exchange?.requestEnded(trailers)
    }
    watch?.look()
    readIfWanted()
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    // While answers wait for their turn, the next one comes from its timer.
    if answersInTurn < Self.mostInTurn { answersInTurn = 0 }
    isWithinRead = false
    exchange?.tellExpected()
    context.fireChannelReadComplete()
  }

  func read(context: ChannelHandlerContext) {
    if isReadingHeld {
      isReadWanted = true
    } else {
      context.read()
    }
  }

  /// A client that does not read its answers gets no more of them made: they would pile up in memory.
  private var isReadingHeld: Bool { exchange?.holdsReading == true || context?.channel.isWritable == false }

  func readIfWanted() {
    guard isReadWanted, !isReadingHeld else { return }
    isReadWanted = false
    context?.read()
  }

  // MARK: What goes out

  /// A 1xx answer.
  func send(interim status: Int, _ fields: HTTPFields) {
    write(.head(HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: HTTPHeaders(fields))))
    context?.flush()
  }

  /// A 104 that tells of progress: at most one a second, and to a client that reads.
  func send(progress fields: HTTPFields) {
    guard let context, context.channel.isWritable else { return }
    guard context.eventLoop.now >= nextProgress else {
      if pendingProgress == nil {
        context.eventLoop.assumeIsolated().scheduleTask(deadline: nextProgress) { self.sendPendingProgress() }
      }
      pendingProgress = fields
      return
    }
    nextProgress = context.eventLoop.now + .seconds(1)
    send(interim: 104, fields)
  }

  private func sendPendingProgress() {
    guard let fields = pendingProgress else { return }
    pendingProgress = nil
    if exchange?.isAnswered == false { send(progress: fields) }
  }

  /// The answer to the exchange, whole.
  func send(status: Int, _ fields: HTTPFields, _ body: ByteBuffer?, to exchange: HTTPExchange, closes: Bool) {
    guard self.exchange === exchange, let context else { return }
    pendingProgress = nil
    var headers = HTTPHeaders(fields)
    // 204 and 1xx have no length (RFC 9110, section 8.6).
    if status != 204 { headers.replaceOrAdd(name: "Content-Length", value: "\(body?.readableBytes ?? 0)") }
    let ends = closes || isClosing || isStopping || isDraining || !exchange.keepsAlive
    if isStream { return sendOverStream(status, headers, body, exchange) }
    if ends {
      headers.replaceOrAdd(name: "Connection", value: "close")
    } else if exchange.isOldVersion {
      headers.replaceOrAdd(name: "Connection", value: "keep-alive")
    }
    write(.head(HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)))
    if let body, body.readableBytes > 0, !exchange.isHeadRequest { write(.body(.byteBuffer(body))) }
    context.flush()
    heldAnswer = (exchange, ends)
    endHeldAnswer()
  }

  /// Ends the answer once the client has room for more: at its end the pipeline gives out the next request, of which one
  /// read may have brought hundreds.
  private func endHeldAnswer() {
    guard let (exchange, ends) = heldAnswer, let context, context.channel.isWritable || ends else { return }
    if !ends, answersInTurn >= Self.mostInTurn { return }
    heldAnswer = nil
    answersInTurn += 1
    if answersInTurn == Self.mostInTurn {
      context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) {
        self.answersInTurn = 0
        self.endHeldAnswer()
      }
    }
    write(.end(nil))
    context.flush()
    if ends { return drain() }
    if exchange.hasWholeRequest { return finished(exchange) }
    watch?.look()
    readIfWanted()
  }

  private func sendOverStream(
    _ status: Int, _ headers: HTTPHeaders, _ body: ByteBuffer?, _ exchange: HTTPExchange
  ) {
    write(.head(HTTPResponseHead(version: .http2, status: .init(statusCode: status), headers: headers)))
    if let body, body.readableBytes > 0, !exchange.isHeadRequest { write(.body(.byteBuffer(body))) }
    write(.end(nil))
    context?.flush()
    guard !exchange.hasWholeRequest, let channel = context?.channel else { return }
    // A reset at once would take the answer with it, in some clients.
    channel.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
  }

  /// All of the request has come, and it is answered: the next one may come.
  func finished(_ exchange: HTTPExchange) {
    guard self.exchange === exchange, heldAnswer == nil else { return }
    self.exchange = nil
    // Its answer had promised more, before the gateway began to go away.
    if isDraining { return drain() }
    watch?.look()
    readIfWanted()
  }

  /// Says `close_notify` and reads on for a moment: closed at once, bytes that are still on their way would make the
  /// kernel reset the connection, and the client might never see the answer.
  func drain() {
    isClosing = true
    context?.close(mode: .output, promise: nil)
    watch?.drain()
    readIfWanted()
  }

  private func write(_ part: HTTPServerResponsePart) {
    context?.write(wrapOutboundOut(part), promise: nil)
  }

  // MARK: Waiting

  private var currentPhase: ClientWatch.Phase {
    guard let exchange else { return hasBegunHead ? .head : .idle }
    return exchange.awaitsClient ? .body : .ownWork
  }

  private func clientTookTooLong(_ verdict: ClientWatch.Verdict) {
    switch verdict {
    case .never, .lookAgain: return
    case .close: context?.close(promise: nil)
    case .headTooSlow: refusal?.refuse(.requestTimeout)
    case .silent, .tooSlow, .tookTooLong:
      guard let slowness = verdict.slowness, exchange?.isSlow(slowness) == true else {
        context?.close(promise: nil)
        return
      }
    }
  }
}

extension HTTPHeaders {
  init(_ fields: HTTPFields) {
    self.init(fields.pairs.map { ($0.name, $0.value) })
  }
}
