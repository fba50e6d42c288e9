import NIOCore
import TLSTransport
import XStream

/// A connection to a target over x-stream: carries out what ``ClientExchange`` decides, for one upload after another. TLS stands
/// before it in the pipeline.
final class LoadConnection: ChannelInboundHandler, PooledConnection {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let place: ConnectionPlace
  unowned let recorder: Recorder
  /// Told once, when TLS is ready or the connection failed before.
  private var onReady: ((Result<LoadConnection, Setback>) -> Void)?
  private unowned let supply: ConnectionSupply

  private(set) var context: ChannelHandlerContext?
  weak var owner: (any ExchangeOwner)?
  var exchange = ClientExchange()
  var job: ExchangeJob?
  var flow: ContentFlow
  var isHeld = false
  var isPumping = false
  /// When the last byte that was offered was handed on.
  var lastByteAt: NIODeadline?
  var lastActivity = NIODeadline.now()
  private var isRaw = false
  private var isEnded = false
  private var parser = PacketParser()
  private var input = ByteBuffer()
  private var answer: ClientOutcome?
  /// Told once, whether the server ended the connection in time.
  private var onEnd: ((Bool) -> Void)?

  init(
    _ place: ConnectionPlace, bandwidth: Int64?, supply: ConnectionSupply, recorder: Recorder,
    onReady: @escaping (Result<LoadConnection, Setback>) -> Void
  ) {
    self.place = place
    flow = ContentFlow(bandwidth: bandwidth)
    self.supply = supply
    self.recorder = recorder
    self.onReady = onReady
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    end(.lost("the connection was closed"))
    self.context = nil
  }

  /// Whether another exchange may follow.
  var isUsable: Bool { !isEnded && job == nil && !isRaw && exchange.isIdle && context?.channel.isActive == true }

  /// Where the stream stands that is under way.
  var resumePoint: ResumePoint? { exchange.resumePoint ?? job?.point }

  /// Begins an exchange.
  ///
  /// - Precondition: ``isUsable``.
  func start(_ job: ExchangeJob, for owner: any ExchangeOwner) {
    guard let context else { return }
    self.owner = owner
    lastActivity = .now()
    lastByteAt = nil
    isHeld = false
    flow.begin(hold: job.hold, oneByOne: job.oneByOne)
    let head: PacketHead
    do throws(RequestError) {
      head = try exchange.start(job.request, from: job.point)
    } catch {
      finish { $0.failed(self, .violation(.final("the request cannot be sent: \(error.reason)")), nil) }
      return
    }
    self.job = job
    var bytes = context.channel.allocator.buffer(capacity: 512)
    PacketWriter.write(head, into: &bytes)
    context.write(wrapOutboundOut(bytes), promise: nil)
    if case .payload = job.request { writePayload(context) }
    context.flush()
  }

  /// Sends what is no request, and waits for what the server says to it.
  func startRaw(_ bytes: ByteBuffer, for owner: any ExchangeOwner) {
    guard let context else { return }
    self.owner = owner
    isRaw = true
    lastActivity = .now()
    context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
  }

  // MARK: Receiving

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    lastActivity = .now()
    if input.readableBytes == 0 { swap(&input, &bytes) } else { input.writeBuffer(&bytes) }
    while step() {}
    // A copy: the storage of a read is shared by all connections of the loop.
    input = input.readableBytes == 0 ? ByteBuffer() : ByteBuffer(bytes: input.readableBytesView)
  }

  private func step() -> Bool {
    if isRaw { return hear() }
    switch exchange.bytesAvailable(input.readableBytes) {
    case .wait:
      return false
    case .discard(let count):
      input.moveReaderIndex(forwardBy: count)
      return true
    case .reply(let count, let isLast):
      input.moveReaderIndex(forwardBy: count)
      if isLast, let answer { finish { $0.answered(self, answer) } }
      return true
    case .parsePacket:
      return parse()
    }
  }

  private func parse() -> Bool {
    let point = resumePoint
    do {
      guard let head = try parser.parse(&input) else { return false }
      handle(try exchange.received(head))
      return true
    } catch let violation as ServerViolation {
      breakOff(Setback(violation), point)
    } catch let error as PacketError {
      breakOff(.violation(.final(error.reason)), point)
    } catch {
      breakOff(.violation(.final("\(error)")), point)
    }
    return false
  }

  private func hear() -> Bool {
    do {
      guard let head = try parser.parse(&input) else { return false }
      owner?.heard(self, try ServerMessage(head))
      return true
    } catch {
      breakOff(.violation(.final("the answer is no packet of a server")), nil)
      return false
    }
  }

  private func handle(_ message: ClientExchange.OnMessage) {
    switch message {
    case .send(let offset, let portion):
      flow.position = offset
      let most = Int64(UploadContent.largestPortion)
      flow.portionSize = Int(portion < most ? most / portion * portion : most)
      recorder.checkedOffset()
      owner?.offered(self, from: offset)
      pump()
    case .awaitFinal:
      flow.position = resumePoint?.safe ?? 0
      lastByteAt = .now()
      recorder.checkedOffset()
      owner?.offered(self, from: flow.position)
      // All bytes of a stream of unknown length are sent, and `close_notify` has yet to end it.
      pump()
    case .progress:
      recorder.progressed()
    case .over(let outcome):
      guard outcome.reply.size > 0 else {
        finish { $0.answered(self, outcome) }
        return
      }
      answer = outcome
    }
  }

  // MARK: Ending

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? TLSHandshakeCompleted {
      onReady.take()?(.success(self))
      recorder.connected(isResumed: event.isResumed)
    } else if let event = event as? ChannelEvent, event == .inputClosed {
      end(.lost("the server closed the connection without an answer"))
      leave()
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    onReady.take()?(.failure(Setback(connecting: error)))
    end(Setback(losing: error))
    leave()
  }

  func channelInactive(context: ChannelHandlerContext) {
    end(.lost("the connection was lost"))
    context.fireChannelInactive()
  }

  /// Ends the connection in order.
  func leave() {
    remember()
    context?.close(promise: nil)
  }

  /// Ends TCP without a word of TLS, as when the line breaks. The owner is not told.
  func drop() {
    owner = nil
    isEnded = true
    remember()
    guard let context else { return }
    let tls = try? context.pipeline.syncOperations.context(handlerType: TLSHandler.self)
    (tls ?? context).close(promise: nil)
  }

  /// Ends this side alone, by `close_notify`.
  func endOutput() {
    context?.close(mode: .output, promise: nil)
  }

  private func breakOff(_ setback: Setback, _ point: ResumePoint?) {
    isEnded = true
    input.clear()
    finish { $0.failed(self, setback, point) }
    leave()
  }

  /// Waits for the server to end the connection, a few seconds at most.
  func awaitEnd(_ done: @escaping (Bool) -> Void) {
    finish { _ in }
    guard !isEnded, let context else { return done(true) }
    onEnd = done
    context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(5)) { [weak self] in
      self?.onEnd.take()?(false)
      self?.drop()
    }
  }

  /// No more comes from the server.
  func end(_ setback: Setback) {
    isEnded = true
    supply.forget(self)
    onReady.take()?(.failure(setback))
    onEnd.take()?(true)
    guard job != nil || isRaw else { return }
    if let answer {
      finish { $0.answered(self, answer) }
      return
    }
    let known = resumePoint
    var point = known
    if case .lost(let lost) = exchange.inputEnded(), let lost { point = lost }
    finish { $0.failed(self, setback, point) }
  }

  private func finish(_ tell: (any ExchangeOwner) -> Void) {
    job = nil
    answer = nil
    isRaw = false
    let owner = owner
    self.owner = nil
    if let owner { tell(owner) }
  }

  /// Tickets of TLS 1.3 come after the handshake, so the last moment is the best.
  private func remember() {
    guard supply.wantsTickets, let context,
      let tls = try? context.pipeline.syncOperations.handler(type: TLSHandler.self), let ticket = tls.resumption
    else { return }
    supply.remember(ticket, for: place)
  }
}
