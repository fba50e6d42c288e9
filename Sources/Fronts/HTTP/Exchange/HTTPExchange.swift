import ContentDigests
import GatewayCore
import HTTPUpload
import Logging
import NIOCore
import NIOHTTP1
import TLSTransport

/// One request and its answer. What the request asks for is an ``HTTPOperation``; this holds what all of them share: the
/// checks of the head, the way of the body's bytes, and the session.
final class HTTPExchange {
  let handler: HTTPExchangeHandler
  let head: HTTPRequestHead
  let fields: HTTPFields
  private(set) var session: UploadSession?
  private var operation: (any HTTPOperation)?
  /// CORS fields of the answer.
  var crossSiteFields = HTTPFields()

  /// Bytes that came before they could be taken; at most one read.
  private var waiting: [ByteBuffer] = []
  private(set) var hasWholeRequest = false
  private(set) var isAnswered = false
  private(set) var trailers = HTTPFields()
  private var hasToldEnd = false
  /// Whether the core has offered to take bytes.
  private var isOffered = false
  /// Where the next byte goes, in bytes from the stream's start.
  private(set) var position: Int64 = 0
  private var discarded: Int64 = 0
  private var expectation: BodyExpectation
  private var isAnsweringBadInput = false
  /// Takes the body instead of the session; `nil` is its end.
  var takesForm: ((ByteBuffer?) -> Void)?
  /// Judges bytes that count only if all of them are right.
  var judge: ChunkJudge?

  init(_ handler: HTTPExchangeHandler, head: HTTPRequestHead) {
    self.handler = handler
    self.head = head
    // NIO's codec of HTTP/2 says `chunked` where a body has no length; there is no such field in that version.
    let fields = HTTPFields(
      head.headers.lazy.filter { !handler.isStream || $0.name.lowercased() != "transfer-encoding" }
        .map { ($0.name, $0.value) })
    self.fields = fields
    self.expectation = BodyExpectation(length: fields.first("Content-Length").flatMap { Int64($0) })
  }

  var front: HTTPFront { handler.front }
  var gateway: Gateway { handler.front.gateway }
  var isHeadRequest: Bool { head.method == .HEAD }
  var isOldVersion: Bool { head.version.major == 1 && head.version.minor == 0 }
  var version: MessageChecks.Version { handler.isStream ? .http2 : isOldVersion ? .http10 : .http11 }
  var keepsAlive: Bool { head.isKeepAlive }
  /// Whether the client is the one to go on: with bytes that are expected, or with a body that nobody wants any more.
  var awaitsClient: Bool {
    guard !hasWholeRequest else { return false }
    return isAnswered || session?.awaitsBytes == true || takesForm != nil && session?.hasUpload != true
  }

  /// Whether nothing more is read for now.
  var holdsReading: Bool {
    !isAnswered && (session?.isPaused == true || !waiting.isEmpty || (operation as? FormUpload)?.holdsReading == true)
  }

  // MARK: The head

  func begin() {
    do throws(HTTPProblem) {
      let request = try HTTPRequest(self)
      let operation = try request.operation(of: self)
      self.operation = operation
      operation.begin()
    } catch {
      refuse(error)
    }
  }

  /// A session for an upload of this exchange.
  func makeSession() -> UploadSession? {
    guard let eventLoop = handler.context?.eventLoop else { return nil }
    let session = UploadSession(gateway: gateway, on: eventLoop, logger: front.logger, about: about) { [weak self] in
      self?.sessionSaid($0)
    }
    self.session = session
    return session
  }

  /// Metadata of the upload's records in the log.
  var about: () -> Logger.Metadata {
    let (label, trace) = (handler.peer.label, fields.first("traceparent"))
    return { label.metadata(trace.map { ["trace": "\($0.prefix(55))"] } ?? [:]) }
  }

  // MARK: The body

  func received(_ bytes: ByteBuffer) {
    expectation.received(bytes.readableBytes)
    guard !isAnswered else { return discard(bytes.readableBytes) }
    if let takesForm { return takesForm(bytes) }
    guard isOffered, session?.takesBytes == true else { return waiting.append(bytes) }
    take(bytes)
  }

  private func take(_ bytes: ByteBuffer) {
    guard let session, let operation else { return }
    let room = session.grantedEnd - position
    guard Int64(bytes.readableBytes) <= room else { return operation.tooMuch() }
    position += Int64(bytes.readableBytes)
    judge?.take(bytes)
    session.write(bytes)
  }

  private func takeWaiting() {
    while isOffered, !isAnswered, session?.takesBytes == true, !waiting.isEmpty { take(waiting.removeFirst()) }
    tellEnd()
    handler.watch?.look()
    handler.readIfWanted()
  }

  func requestEnded(_ trailers: HTTPHeaders?) {
    hasWholeRequest = true
    self.trailers = HTTPFields((trailers ?? [:]).map { ($0.name, $0.value) })
    if isAnswered { return handler.finished(self) }
    if let takesForm { return takesForm(nil) }
    tellEnd()
  }

  /// Once: what is judged at the end cannot be judged again.
  private func tellEnd() {
    guard isOffered, !isAnswered, !hasToldEnd, hasWholeRequest, waiting.isEmpty, session?.takesBytes == true else {
      return
    }
    hasToldEnd = true
    operation?.bodyEnded()
  }

  /// What comes after an early answer: a little is read, so that the connection stays.
  private func discard(_ count: Int) {
    discarded += Int64(count)
    if discarded > HTTPExchangeHandler.mostToRead { handler.context?.close(promise: nil) }
  }

  // MARK: What the session says

  private func sessionSaid(_ event: SessionEvent) {
    guard let operation, !isAnswered else { return }
    switch event {
    case .offered(let offer):
      position = offer.offset
      operation.offered(offer)
      guard !isAnswered else { return }
      if handler.isStopping { gatewayStops() }
      isOffered = true
      handler.uploadIsOffered()
      expectation.offered(at: offer.offset)
      if !handler.isWithinRead { tellExpected() }
      takeWaiting()
    case .goOn: takeWaiting()
    case .safe(let offset): operation.safe(upTo: offset)
    case .refused(let refusal): refuse(HTTPProblem(refusal), refusal)
    case .alreadyComplete(let account): operation.alreadyComplete(account)
    case .complete(let size, let result): operation.complete(size: size, result)
    case .stopped(let reason, let offset): stopped(reason, offset)
    case .failed(let failure, let safe):
      operation.failed(HTTPProblem(failure), safe: safe)
    }
  }

  /// Tells those below how many bytes may still come, and where the next one goes. Between two reads.
  func tellExpected() {
    // What a form brings has no place of its own.
    guard !isAnswered, takesForm == nil, let expected = expectation.tell() else { return }
    handler.context?.triggerUserOutboundEvent(expected, promise: nil)
  }

  private func stopped(_ reason: StopReason, _ offset: Int64) {
    switch reason {
    case .grantFull, .clientGone: operation?.suspended(at: offset)
    case .silence, .tooSlow, .tookTooLong: operation?.failed(HTTPProblem(slowness: reason), safe: offset)
    case .superseded: operation?.failed(.superseded, safe: offset)
    case .unauthorized: operation?.failed(.unauthorized, safe: offset)
    case .gatewayStopping: operation?.failed(.shuttingDown, safe: offset)
    }
  }

  // MARK: Ends

  func refuse(_ problem: HTTPProblem, _ refusal: Refusal? = nil) {
    if let operation { return operation.refused(problem) }
    // Before it is known what is asked, only the field itself says that the client speaks tus.
    let isTus = problem == .tusVersion || fields.has("Tus-Resumable")
    answer(problem, isTus ? TusAnswer.common : HTTPFields())
  }

  /// The body cannot be read to its end: an upload that can be resumed keeps what arrived.
  func inputIsBad(_ problem: HTTPProblem) {
    session?.leave()
    isAnsweringBadInput = true
    refuse(problem)
  }

  /// Ends the connection, or the stream, without an answer.
  func cut() {
    isAnswered = true
    endSession()
    letGo()
    handler.context?.close(promise: nil)
  }

  /// Answers with a problem, and what the dialect adds.
  func answer(
    _ problem: HTTPProblem, _ dialectFields: HTTPFields, more: [(name: String, value: JSONText)] = []
  ) {
    let answer = ProblemAnswer(problem, more: more)
    front.logger.debug(
      "Request answered with a refusal",
      metadata: about().merging(["status": .stringConvertible(answer.status)]) { own, _ in own })
    var fields = answer.fields
    fields.append(dialectFields)
    respond(
      status: answer.status, fields, ByteBuffer(string: answer.body),
      closes: problem.closesConnection)
  }

  func respond(status: Int, _ fields: HTTPFields, _ body: ByteBuffer? = nil, closes: Bool = false) {
    guard !isAnswered else { return }
    isAnswered = true
    endSession()
    letGo()
    var fields = fields
    if let body, DigestWish(.content, of: self.fields) == .wanted {
      let hasher = SHA256Hasher()
      hasher.update(body)
      fields.append("Content-Digest", DigestFields.value(sha256: hasher.finish()))
    }
    fields.append(crossSiteFields)
    handler.send(status: status, fields, body, to: self, closes: closes || isAnsweringBadInput || isTooMuchToDiscard)
  }

  /// Whether the rest of the body is not worth reading only to keep the connection.
  private var isTooMuchToDiscard: Bool {
    guard !hasWholeRequest else { return false }
    if fields.first("Expect") != nil, !isOffered { return true }
    guard let length = fields.first("Content-Length").flatMap({ Int64($0) }) else {
      return fields.has("Transfer-Encoding")
    }
    return length > HTTPExchangeHandler.mostToDiscard
  }

  /// Calls back when what is being done on this event loop is done.
  func onNextTurn(_ work: @escaping () -> Void) {
    handler.context?.eventLoop.assumeIsolated().execute {
      work()
      self.handler.watch?.look()
      self.handler.readIfWanted()
    }
  }

  /// - Returns: whether an upload is stopped for it, and answered then.
  func isSlow(_ slowness: StopReason) -> Bool {
    guard !isAnswered else { return false }
    if session?.hasUpload == true {
      session?.isSlow(slowness)
    } else {
      isAnsweringBadInput = true
      refuse(HTTPProblem(slowness: slowness))
    }
    return true
  }

  func clientReads() { session?.clientReads() }

  func gatewayStops() {
    guard !isAnswered else { return }
    if session == nil || session?.hasUpload == false { return refuse(.shuttingDown) }
    _ = session?.gatewayStops()
  }

  /// The connection is gone: an upload that can be resumed keeps what arrived.
  func connectionIsGone() {
    isAnswered = true
    session?.connectionIsGone()
    session = nil
    letGo()
  }

  /// An upload that is still under way when the answer is known is nobody's any more: it is left.
  private func endSession() {
    if session?.hasUpload == true { session?.leave() }
    session?.ended()
  }

  /// What is wrong where more bytes come than were offered: the upload, the route, or the room that there was.
  func excess(total: Int64?, limit: Int64) -> HTTPProblem {
    let end = session?.grantedEnd ?? 0
    if let total, end == total { return .tooLarge(limit: total) }
    return end >= limit ? .tooLarge(limit: limit) : .quota
  }

  /// Breaks the cycle with the operation.
  private func letGo() {
    operation = nil
    takesForm = nil
    waiting = []
  }
}

/// What a request asks for, and how its dialect answers.
protocol HTTPOperation: AnyObject {
  func begin()
  /// The core takes bytes.
  func offered(_ offer: UploadOffer)
  /// All of the body was given to the session.
  func bodyEnded()
  /// More bytes come than were offered.
  func tooMuch()
  func safe(upTo offset: Int64)
  func complete(size: Int64, _ result: SinkResult)
  func alreadyComplete(_ account: UploadAccount)
  func suspended(at offset: Int64)
  func failed(_ problem: HTTPProblem, safe: Int64)
  func refused(_ problem: HTTPProblem)
}
