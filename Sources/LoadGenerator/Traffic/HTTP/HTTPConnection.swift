import HTTPUpload
import NIOCore
import NIOHTTP1
import NIOHTTP2
import TLSTransport

/// Whom an ``HTTPConnection`` tells what becomes of a request.
protocol HTTPRequestOwner: AnyObject {
  /// Bytes of the upload up to there were handed on.
  func handedOn(_ connection: HTTPConnection, to position: Int64)
  func interim(_ connection: HTTPConnection, _ status: Int, _ fields: HTTPFields)
  /// All before the place where the request is to stop was handed on.
  func held(_ connection: HTTPConnection)
  func answered(_ connection: HTTPConnection, _ answer: HTTPAnswer)
  /// The connection is over, and with it the request.
  func failed(_ connection: HTTPConnection, _ setback: Setback)
}

/// A connection to a target over HTTP/1.1 or HTTP/2: carries one request after another.
final class HTTPConnection: PooledConnection {
  /// So much of an answer's body is kept, in bytes: why it says no.
  private static let mostKept = 4096

  let place: ConnectionPlace
  unowned let recorder: Recorder
  private let authority: String
  private unowned let supply: ConnectionSupply
  /// Told once, when TLS is ready or the connection failed before.
  private var onReady: ((Result<HTTPConnection, Setback>) -> Void)?
  private var channel: (any Channel)?
  /// What the request under way goes over; of HTTP/1.1 all requests.
  private var carrier: HTTPChannelHandler?
  private weak var owner: (any HTTPRequestOwner)?
  private var content: UploadContent?
  /// The content's bytes that are still to be sent end there.
  private var contentEnd: Int64 = 0
  private var flow: ContentFlow
  private var isBusy = false
  private var isBodySent = true
  private var isPumping = false
  private var isReady = false
  private var isEnded = false
  private var mayCarryMore = true
  private var answer: HTTPAnswer?
  private(set) var isHeld = false
  /// When the last byte of the request was handed on.
  private(set) var lastByteAt: NIODeadline?
  var lastActivity = NIODeadline.now()

  init(
    _ place: ConnectionPlace, authority: String, bandwidth: Int64?, supply: ConnectionSupply, recorder: Recorder,
    onReady: @escaping (Result<HTTPConnection, Setback>) -> Void
  ) {
    self.place = place
    self.authority = authority
    self.supply = supply
    self.recorder = recorder
    self.onReady = onReady
    flow = ContentFlow(bandwidth: bandwidth)
  }

  private var isHTTP2: Bool { place.speaks == .http2 }

  /// Adds the handlers of the version.
  func install(on channel: any Channel) throws {
    self.channel = channel
    let pipeline = channel.pipeline.syncOperations
    guard isHTTP2 else {
      let handler = HTTPChannelHandler(self)
      carrier = handler
      let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward)
      try pipeline.addHandlers(HTTPRequestEncoder(), ByteToMessageHandler(decoder), handler)
      return
    }
    let streams = NIOHTTP2Handler(mode: .client, eventLoop: channel.eventLoop, streamConfiguration: Self.wide) {
      // No server may open one to a client that has not allowed it.
      $0.close()
    }
    try pipeline.addHandlers(streams, HTTP2Root(self))
  }

  private static var wide: NIOHTTP2Handler.StreamConfiguration {
    var configuration = NIOHTTP2Handler.StreamConfiguration()
    // As of the connection itself: one stream is to fill it.
    configuration.outboundBufferSizeLowWatermark = 256 << 10
    configuration.outboundBufferSizeHighWatermark = 512 << 10
    return configuration
  }

  var isUsable: Bool { isReady && !isEnded && !isBusy && mayCarryMore && channel?.isActive == true }

  // MARK: A request

  /// Begins a request.
  ///
  /// - Precondition: ``isUsable``.
  func start(
    _ job: HTTPJob, _ content: UploadContent, hold: Int64? = nil, oneByOne: Int64 = 0, for owner: any HTTPRequestOwner
  ) {
    self.owner = owner
    (isBusy, isHeld, lastByteAt, answer) = (true, false, nil, nil)
    lastActivity = .now()
    let range = job.range(of: content.size)
    self.content = range == nil ? nil : content
    contentEnd = range?.upperBound ?? 0
    isBodySent = range == nil
    flow.begin(at: range?.lowerBound ?? 0, hold: hold, oneByOne: oneByOne)
    guard isHTTP2 else { return send(head(job)) }
    openStream(head(job))
  }

  private func head(_ job: HTTPJob) -> HTTPRequestHead {
    var headers: HTTPHeaders = ["Host": authority]
    for (name, value) in job.fields.pairs { headers.add(name: name, value: value) }
    switch job.body {
    case .none: if job.method == "POST" { headers.add(name: "Content-Length", value: "0") }
    case .known(let range): headers.add(name: "Content-Length", value: String(range.count))
    case .chunked: if !isHTTP2 { headers.add(name: "Transfer-Encoding", value: "chunked") }
    }
    return HTTPRequestHead(
      version: isHTTP2 ? .http2 : .http1_1, method: HTTPMethod(rawValue: job.method), uri: job.path, headers: headers)
  }

  private func openStream(_ head: HTTPRequestHead) {
    guard let channel,
      let streams = try? channel.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self).syncMultiplexer()
    else { return end(.lost("the connection was lost")) }
    let handler = HTTPChannelHandler(self)
    carrier = handler
    let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    let opened = channel.eventLoop.makePromise(of: (any Channel).self)
    streams.createStreamChannel(promise: opened) { stream in
      stream.eventLoop.makeCompletedFuture {
        try stream.pipeline.syncOperations.addHandlers(
          HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .https), bound.value)
      }
    }
    opened.futureResult.assumeIsolated().whenComplete { [weak self] result in
      guard let self, self.carrier === handler else { return }
      switch result {
      case .success: self.send(head)
      case .failure(let error): self.end(self.setback(of: error))
      }
    }
  }

  private func send(_ head: HTTPRequestHead) {
    carrier?.send(.head(head))
    if isBodySent { carrier?.send(.end(nil)) }
    carrier?.flush()
    if isBodySent { lastByteAt = .now() }
    pump()
  }

  /// Goes on after a hold.
  func release() {
    isHeld = false
    flow.hold = nil
    lastActivity = .now()
    pump()
  }

  func mayWrite() {
    lastActivity = .now()
    pump()
  }

  private func pump() {
    // A write, or an owner who is told, may call back.
    guard !isPumping, !isHeld else { return }
    isPumping = true
    defer { isPumping = false }
    while !isBodySent, let content, let carrier, let loop = channel?.eventLoop, carrier.isWritable {
      guard flow.position < contentEnd else { return endBody(carrier) }
      switch flow.next(content, sendable: contentEnd - flow.position) {
      case .hold:
        isHeld = true
        owner?.held(self)
        return
      case .later(let moment):
        loop.assumeIsolated().scheduleTask(deadline: moment) { [weak self] in self?.pump() }
        return
      case .send(let bytes, let yields):
        lastActivity = .now()
        recorder.sent(bytes.readableBytes)
        owner?.handedOn(self, to: flow.position)
        carrier.send(.body(.byteBuffer(bytes)))
        carrier.flush()
        guard yields else { continue }
        loop.assumeIsolated().execute { self.pump() }
        return
      }
    }
  }

  private func endBody(_ carrier: HTTPChannelHandler) {
    isBodySent = true
    carrier.send(.end(nil))
    carrier.flush()
    lastByteAt = .now()
  }

  // MARK: Answers

  func received(_ part: HTTPClientResponsePart, from handler: HTTPChannelHandler) {
    guard handler === carrier, isBusy else { return }
    lastActivity = .now()
    switch part {
    case .head(let head):
      let fields = HTTPFields(head.headers.lazy.map { ($0.name, $0.value) })
      guard head.status.code >= 200 else {
        owner?.interim(self, Int(head.status.code), fields)
        return
      }
      if !isHTTP2, !head.isKeepAlive { mayCarryMore = false }
      answer = HTTPAnswer(status: Int(head.status.code), fields: fields)
    case .body(let bytes):
      let room = Self.mostKept - (answer?.body.utf8.count ?? 0)
      if room > 0 { answer?.body += String(decoding: bytes.readableBytesView.prefix(room), as: UTF8.self) }
    case .end:
      guard let answer else { return }
      // A body that nobody waits for any more cannot be ended; its stream can.
      if !isBodySent {
        if isHTTP2 { carrier?.close() } else { mayCarryMore = false }
      }
      finish { $0.answered(self, answer) }
    }
  }

  private func finish(_ tell: (any HTTPRequestOwner) -> Void) {
    (isBusy, isBodySent, content, answer) = (false, true, nil, nil)
    if isHTTP2 { carrier = nil }
    let owner = owner
    self.owner = nil
    if let owner { tell(owner) }
  }

  // MARK: Ending

  func heard(_ event: Any) {
    if let event = event as? TLSHandshakeCompleted {
      guard event.alpn == place.speaks.name else {
        return end(.tls("the server does not speak \(place.speaks.name)"))
      }
      isReady = true
      recorder.connected(isResumed: event.isResumed)
      onReady.take()?(.success(self))
    } else if let event = event as? ChannelEvent, event == .inputClosed {
      end(.lost("the server closed the connection without an answer"))
      leave()
    }
  }

  func setback(of error: any Error) -> Setback {
    isReady ? Setback(losing: error) : Setback(connecting: error)
  }

  /// A channel that carries requests is over.
  func ended(_ handler: HTTPChannelHandler, _ setback: Setback) {
    guard isHTTP2 else { return end(setback) }
    guard handler === carrier, isBusy else { return }
    finish { $0.failed(self, setback) }
  }

  func mayCarryNoMore() { mayCarryMore = false }

  /// No more comes from the server.
  func end(_ setback: Setback) {
    isEnded = true
    supply.forget(self)
    onReady.take()?(.failure(setback))
    if isBusy { finish { $0.failed(self, setback) } }
    // It knows this connection as well.
    carrier = nil
  }

  /// Ends the connection in order.
  func leave() {
    remember()
    channel?.close(promise: nil)
  }

  /// Ends TCP without a word of TLS, as when the line breaks. The owner is not told.
  func drop() {
    owner = nil
    isEnded = true
    remember()
    guard let channel else { return }
    if let tls = try? channel.pipeline.syncOperations.context(handlerType: TLSHandler.self) {
      tls.close(promise: nil)
    } else {
      channel.close(promise: nil)
    }
  }

  /// Ends this side alone, by `close_notify`. Nothing more is sent.
  func endOutput() {
    (content, isHeld, lastActivity) = (nil, false, .now())
    guard let pipeline = channel?.pipeline.syncOperations,
      let tls = try? pipeline.handler(type: TLSHandler.self),
      let context = try? pipeline.context(handlerType: TLSHandler.self)
    else { return }
    // By TLS alone: HTTP/2 would say more than that.
    tls.close(context: context, mode: .output, promise: nil)
  }

  /// Tickets of TLS 1.3 come after the handshake, so the last moment is the best.
  private func remember() {
    guard supply.wantsTickets, let channel,
      let tls = try? channel.pipeline.syncOperations.handler(type: TLSHandler.self), let ticket = tls.resumption
    else { return }
    supply.remember(ticket, for: place)
  }
}
