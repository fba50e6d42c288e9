import HTTPUpload
import NIOCore
import NIOHTTP1
import TLSTransport

/// Carries out one request after the other on a connection of HTTP/1.1. The request encoder and the answer decoder stand
/// before it in the pipeline.
final class HTTPJobHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  let silenceTimeout: TimeAmount
  let replyLimit: Int

  var context: ChannelHandlerContext?
  var job: HTTPJob?
  /// Why no request can follow.
  var loss: ConnectionLoss?
  var lastActivity = NIODeadline.now()
  var lastReport = NIODeadline.uptimeNanoseconds(0)
  var watch: Scheduled<Void>?
  /// Runs while a source of unknown length has nothing more to send.
  var pause: Scheduled<Void>?
  /// The next byte of the source to send.
  var position: Int64 = 0
  /// How far interim answers say that the upload is safe.
  var safe: Int64?
  var hasSentAll = false
  var sourceEnded = false
  var isPumping = false
  var isWaitingForSource = false
  private var answer: HTTPResponseHead?
  private var body = ByteBuffer()
  private var handshake: EventLoopPromise<String?>?
  private var agreed: Result<String?, any Error>?

  init(silenceTimeout: TimeAmount, replyLimit: Int) {
    self.silenceTimeout = silenceTimeout
    self.replyLimit = replyLimit
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    keepWatch(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    watch?.cancel()
    pause?.cancel()
    end(loss ?? .closed)
    self.context = nil
  }

  /// Whether a request may follow on this connection.
  var isUsable: Bool { job == nil && loss == nil && context?.channel.isActive == true }

  /// The name that ALPN agreed on, once the handshake is complete.
  func agreedProtocol(on loop: any EventLoop) -> EventLoopFuture<String?> {
    let promise = handshake ?? loop.makePromise(of: String?.self)
    if let agreed { promise.completeWith(agreed) } else { handshake = promise }
    return promise.futureResult
  }

  /// Begins a request. Its promise is completed in any case.
  func start(_ job: HTTPJob) {
    guard let context, loss == nil, self.job == nil else {
      job.promise.succeed(.lost(loss ?? .closed, SentContent(), safe: nil))
      return
    }
    self.job = job
    (position, safe, hasSentAll, sourceEnded) = (job.request.start, nil, false, false)
    isWaitingForSource = false
    lastActivity = .now()
    context.write(wrapOutboundOut(.head(job.head)), promise: nil)
    guard job.request.content != .none else {
      endContent(context)
      return
    }
    context.flush()
    begin(context)
  }

  // MARK: Receiving

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastActivity = .now()
    switch unwrapInboundIn(data) {
    case .head(let head) where head.status.code < 200: interim(head)
    case .head(let head): answer = head
    case .body(var bytes):
      let room = replyLimit - body.readableBytes
      if bytes.readableBytes > room { bytes = bytes.readSlice(length: room) ?? ByteBuffer() }
      body.writeBuffer(&bytes)
    case .end: answered(context)
    }
  }

  private func interim(_ head: HTTPResponseHead) {
    guard let told = InterimNews.offset(status: Int(head.status.code), head.headers.uploadFields),
      let job, told > safe ?? job.safe, told <= position
    else { return }
    safe = told
    job.feed?.safe(upTo: told)
    reportProgress()
    // Room in a source's window may be what the sending waits for.
    if let context { pump(context) }
  }

  private func answered(_ context: ChannelHandlerContext) {
    guard let job, let head = answer else {
      // An answer to nothing, as servers send one when they close an idle connection.
      end(.closed)
      leave()
      return
    }
    // What is not sent by now nobody waits for, and what follows it could not be told from it.
    if !head.isKeepAlive || !hasSentAll { loss = loss ?? .closed }
    let status = Int(head.status.code)
    // A copy: the storage of a read is shared by the loop's connections.
    let bytes = ByteBuffer(bytes: body.readableBytesView)
    let told = ServerAnswer(
      status: status, fields: head.headers.uploadFields, problem: .init(head.headers, bytes, status: status))
    finish(
      .answered(
        told, body: bytes, SentContent(count: position - job.request.start, sourceEnded: sourceEnded)))
    if loss != nil { leave() }
  }

  // MARK: Ending

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? TLSHandshakeCompleted { agree(.success(event.alpn)) }
    if let event = event as? ChannelEvent, event == .inputClosed {
      // The decoder has heard of it first: an answer that ends with the connection is whole by now.
      end(.closed)
      leave()
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(error is HTTPParserError ? .foreign(isHTTP: false) : ConnectionLoss(error))
    leave()
  }

  func channelInactive(context: ChannelHandlerContext) {
    end(.closed)
    context.fireChannelInactive()
  }

  /// Ends the connection. A request whose content is not whole is cut short by it: its framing says so.
  func leave() {
    loss = loss ?? .closed
    context?.close(promise: nil)
  }

  /// No more comes from the server.
  func end(_ loss: ConnectionLoss) {
    self.loss = self.loss ?? loss
    agree(.failure(loss))
    guard let job else { return }
    finish(
      .lost(
        self.loss ?? loss, SentContent(count: position - job.request.start, sourceEnded: sourceEnded), safe: safe))
  }

  private func agree(_ result: Result<String?, any Error>) {
    guard agreed == nil else { return }
    agreed = result
    handshake?.completeWith(result)
    handshake = nil
  }

  /// The job is over.
  func finish(_ end: HTTPEnd) {
    guard let job else { return }
    pause?.cancel()
    job.feed?.onReady = nil
    if case .answered(let answer, _, _) = end, answer.status / 100 == 2 { safe = position }
    if job.feed != nil { job.report(progress(of: job)) }
    self.job = nil
    (answer, body) = (nil, ByteBuffer())
    job.promise.succeed(end)
  }
}

extension HTTPHeaders {
  /// The same for a reader of `HTTPUpload`.
  var uploadFields: HTTPFields { HTTPFields(map { (name: $0.name, value: $0.value) }) }
}
