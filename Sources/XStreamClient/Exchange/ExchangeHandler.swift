import NIOCore
import TLSTransport
import XStream

/// Carries out on a channel what ``ClientExchange`` decides. TLS stands before it in the pipeline.
final class ExchangeHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// A rest of a large read that is smaller than this, in bytes, is copied, so that it does not keep the whole storage.
  private static let worthCopying = 16 << 10
  /// How long the server may take to end the connection from its side.
  private static let farewellLimit = TimeAmount.seconds(1)
  /// No write is larger, in bytes.
  static let largestWrite: Int64 = 1 << 20

  let silenceTimeout: TimeAmount
  let replyLimit: Int

  var context: ChannelHandlerContext?
  var exchange = ClientExchange()
  var job: ExchangeJob?
  /// Why no exchange can follow.
  var loss: ConnectionLoss?
  var lastActivity = NIODeadline.now()
  var lastReport = NIODeadline.uptimeNanoseconds(0)
  var watch: Scheduled<Void>?
  /// The next byte of the stream to send.
  var position: Int64 = 0
  /// Bytes of the stream that are safe.
  var safe: Int64 = 0
  var hasOffer = false
  /// Whether a stream of unknown length is under way: there `close_notify` would say that the stream is whole.
  var isInsideUnlimited = false
  var isPumping = false
  var isWaitingForSource = false
  /// Whether the server has sent a packet.
  private(set) var hasSpoken = false
  /// Whether the server agreed to the protocol's ALPN name in the TLS handshake.
  private(set) var hasAgreed = false
  private var parser = PacketParser()
  private var input = ByteBuffer()
  private var answer: ClientOutcome?
  private var reply = ByteBuffer()
  /// Runs from this side's `close_notify` on; what comes after that is dropped.
  private var farewell: Scheduled<Void>?

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
    farewell?.cancel()
    end(loss ?? .closed)
    self.context = nil
  }

  /// Whether an exchange may follow on this connection.
  var isUsable: Bool { job == nil && loss == nil && exchange.isIdle && context?.channel.isActive == true }

  /// Begins an exchange. Its promise is completed in any case.
  func start(_ job: ExchangeJob) {
    guard let context, loss == nil, self.job == nil, exchange.isIdle else {
      job.promise.succeed(.lost(loss ?? .closed, job.point))
      return
    }
    let head: PacketHead
    do throws(RequestError) {
      head = try exchange.start(job.request, from: job.point)
    } catch {
      job.promise.succeed(.unsendable(error))
      return
    }
    self.job = job
    if case .feed(let feed) = job.body { isInsideUnlimited = feed.total == .unlimited }
    lastActivity = .now()
    var bytes = context.channel.allocator.buffer(capacity: 512)
    PacketWriter.write(head, into: &bytes)
    context.write(wrapOutboundOut(bytes), promise: nil)
    if case .payload(let body) = job.body { context.write(wrapOutboundOut(body), promise: nil) }
    context.flush()
  }

  // MARK: Receiving

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard farewell == nil else { return }
    var bytes = unwrapInboundIn(data)
    lastActivity = .now()
    input.writeBuffer(&bytes)
    while step(context) {}
    if input.readableBytes == 0 {
      input = ByteBuffer()
    } else if input.readableBytes < Self.worthCopying {
      // The storage is that of one large read, and this rest may be held for long.
      input = ByteBuffer(bytes: input.readableBytesView)
    }
  }

  /// - Returns: whether to go on.
  private func step(_ context: ChannelHandlerContext) -> Bool {
    switch exchange.bytesAvailable(input.readableBytes) {
    case .wait:
      return false
    case .discard(let count):
      input.moveReaderIndex(forwardBy: count)
      return true
    case .reply(let count, let isLast):
      guard var bytes = input.readSlice(length: count) else { return false }
      let room = replyLimit - reply.readableBytes
      if bytes.readableBytes > room { bytes = bytes.readSlice(length: room) ?? ByteBuffer() }
      reply.writeBuffer(&bytes)
      if isLast, let answer { finish(.answered(answer, reply: reply)) }
      return true
    case .parsePacket:
      return parse(context)
    }
  }

  private func parse(_ context: ChannelHandlerContext) -> Bool {
    // The machine has no point any more after a violation.
    let point = exchange.resumePoint ?? job?.point
    let isHTTP = !hasSpoken && input.readableBytesView.starts(with: "HTTP/".utf8)
    do {
      guard let head = try parser.parse(&input) else { return false }
      hasSpoken = true
      handle(try exchange.received(head), context)
      return true
    } catch is PacketError where !hasSpoken {
      input.clear()
      end(.foreign(isHTTP: isHTTP))
      leave()
    } catch let error as PacketError {
      violated(error.reason, point, context)
    } catch let error as ServerViolation {
      violated(error.reason, point, context)
    } catch {
      violated("\(error)", point, context)
    }
    return false
  }

  private func violated(_ text: String, _ point: ResumePoint?, _ context: ChannelHandlerContext) {
    loss = loss ?? .closed
    input.clear()
    finish(.violated(text, point))
    cut()
  }

  private func handle(_ message: ClientExchange.OnMessage, _ context: ChannelHandlerContext) {
    switch message {
    case .send(let offset, let portion):
      reportOffer(from: offset)
      begin(at: offset, portion: portion, context)
    case .awaitFinal:
      if let point = exchange.resumePoint { reportOffer(from: point.safe) }
    case .progress(let safe):
      self.safe = safe
      if case .feed(let feed) = job?.body { feed.safe(upTo: safe) }
      reportProgress()
      // Room in a source's window may be what the sending waits for.
      pump(context)
    case .over(let outcome):
      guard outcome.reply.size > 0 else {
        let hasReply = outcome.reply != .none
        finish(.answered(outcome, reply: hasReply ? ByteBuffer() : nil))
        return
      }
      answer = outcome
      reply = ByteBuffer()
    }
  }

  // MARK: Ending

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? TLSHandshakeCompleted {
      hasAgreed = event.alpn == XStreamProtocol.applicationProtocol
    }
    if let event = event as? ChannelEvent, event == .inputClosed {
      end(.closed)
      leave()
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(ConnectionLoss(error))
    cut()
  }

  func channelInactive(context: ChannelHandlerContext) {
    end(.closed)
    context.fireChannelInactive()
  }

  /// Ends the connection: in order, but in the middle of a stream of unknown length as a lost one, without
  /// `close_notify`, for the server would take what has arrived for the whole (docs/protocol.md, section 4).
  ///
  /// In order is: say `close_notify`, and close once the server has said it too. A socket that is closed before it was
  /// read to its end resets the connection, and the server may lose the `close_notify` that it has not read yet.
  func leave() {
    guard let context, farewell == nil else { return }
    guard !isInsideUnlimited, context.channel.isActive else { return cut() }
    input.clear()
    farewell = context.eventLoop.assumeIsolated().scheduleTask(in: Self.farewellLimit) { [weak self] in
      self?.isInsideUnlimited = true
      self?.cut()
    }
    context.close(mode: .output, promise: nil)
  }

  /// Closes now; in the middle of a stream of unknown length without a word.
  private func cut() {
    guard let context else { return }
    let tls = isInsideUnlimited ? (try? context.pipeline.syncOperations.context(handlerType: TLSHandler.self)) : nil
    isInsideUnlimited = false
    // A close from TLS's own context goes past TLS to the socket.
    (tls ?? context).close(promise: nil)
  }

  /// No more comes from the server.
  func end(_ loss: ConnectionLoss) {
    self.loss = self.loss ?? loss
    guard let job else { return }
    // The server's answer is whole; only the backend's reply is cut short.
    if let answer {
      finish(.answered(answer, reply: reply))
      return
    }
    switch exchange.inputEnded() {
    case .closed: finish(.lost(loss, job.point))
    case .lost(let point): finish(.lost(loss, point ?? job.point))
    }
  }

  /// The job is over.
  func finish(_ end: ExchangeEnd) {
    guard let job else { return }
    self.job = nil
    answer = nil
    reply = ByteBuffer()
    if case .feed(let feed) = job.body {
      feed.onReady = nil
      if case .answered(let outcome, _) = end, outcome.status == .ok { safe = position }
      if hasOffer { job.report(.progress(progress(of: job))) }
    }
    hasOffer = false
    var end = end
    if case .answered(let outcome, _) = end {
      isInsideUnlimited = false
      if !outcome.connectionStays { loss = loss ?? .closed }
    }
    // A copy: the storage of a read is shared by the loop's connections.
    if case .answered(let outcome, .some(let reply)) = end {
      end = .answered(outcome, reply: ByteBuffer(bytes: reply.readableBytesView))
    }
    job.promise.succeed(end)
  }
}
