import GatewayCore
import HTTPUpload
import NIOCore

/// A request that opens a resumable upload (draft-ietf-httpbis-resumable-upload), with or without its first bytes.
final class ResumableCreating: HTTPOperation {
  /// Both let go of each other at the exchange's end: late words of the core find both.
  private let exchange: HTTPExchange
  private let request: HTTPRequest
  private let answers: ResumableAnswer
  private let version: ResumableVersion
  /// Whether more bytes came than the upload has.
  private var hasTooMuch = false
  private var creation: ResumableRequest.Creation?
  private var key: UploadKey?
  private var contentDigest: DigestFields?
  /// Where a request says that its bytes are all, and the upload has another length.
  private var state: ResumableState?

  init(_ exchange: HTTPExchange, _ request: HTTPRequest, _ version: ResumableVersion) {
    self.exchange = exchange
    self.request = request
    self.version = version
    self.answers = ResumableAnswer(version)
  }

  func begin() {
    do throws(HTTPProblem) {
      let fields = exchange.fields
      let creation = try ResumableRequest(version, fields: fields, contentLength: request.head.contentLength).creation()
      self.creation = creation
      let digest = try DigestFields(.representation, of: fields)?.toCheck()
      // tus-js-client sends its metadata beside the draft's fields. What of it cannot be read is no reason to refuse.
      let metadata = try? TusMetadata(of: fields)
      let label =
        request.label ?? fields.first("Content-Disposition").flatMap { ContentDisposition($0)?.label }
        ?? metadata?.label
      contentDigest = try DigestFields(.content, of: fields)
      if let sha256 = try contentDigest?.toCheck() {
        guard request.terms.takesBack else { throw .unexpectedField("Content-Digest") }
        exchange.judge = ChunkJudge(TusChecksum(sha256: sha256))
      }
      var transfer = request.transfer(
        exchange, isTentative: contentDigest != nil, tellsProgress: tellsProgress, isLast: creation.isLast)
      transfer.bringsBytes = request.head.mayBringBytes
      let upload = UploadRequest(
        access: request.access, shape: .stream,
        format: try request.format(metadata?.mediaType ?? fields.contentType), total: creation.total, label: label,
        digest: digest.flatMap { ContentDigest(bytes: $0) },
        atMost: creation.total == nil ? request.head.contentLength : nil, understandsParts: false, transfer: transfer)
      do throws(Refusal) {
        try exchange.makeSession()?.open(upload, about: exchange.about)
      } catch {
        refused(HTTPProblem(error))
      }
    } catch {
      refused(error)
    }
  }

  private var tellsProgress: Bool {
    exchange.front.settings.sendsInterim && version.isSaid && version.rules.tellsProgress
  }

  func offered(_ offer: UploadOffer) {
    key = offer.key
    // The upload's place first: some proxies pass only the first interim answer on.
    if exchange.front.settings.sendsInterim,
      let fields = answers.interim(location: request.location(of: offer.key), limit: request.limit)
    {
      exchange.handler.send(interim: 104, fields)
    }
    if request.head.expectsContinue { exchange.handler.send(interim: 100, [:]) }
  }

  func bodyEnded() {
    guard let creation, !hasTooMuch else { return }
    if let judge = exchange.judge {
      guard judge.isRight() else {
        exchange.session?.leave()
        return refused(contentDigest?.mismatch ?? .checksumMismatch)
      }
      exchange.session?.approve()
    }
    // The length that was told and the bytes that came must agree, also where they came without a length.
    if creation.isLast, let total = creation.total, exchange.position != total {
      exchange.session?.leave()
      return refused(.inconsistentLength)
    }
    if creation.isLast { exchange.session?.finish() } else { exchange.session?.leave() }
  }

  func tooMuch() {
    guard !hasTooMuch else { return }
    // An offer may end before the upload does, where quota or room did: then the client is not to blame.
    guard let total = creation?.total, exchange.session?.grantedEnd == total else {
      return refused(exchange.excess(total: nil, limit: request.terms.largestUpload))
    }
    hasTooMuch = true
    exchange.session?.leave()
  }

  func safe(upTo offset: Int64) {
    guard tellsProgress, let fields = answers.progress(offset: offset) else { return }
    exchange.handler.send(progress: fields)
  }

  func complete(size: Int64, _ result: SinkResult) {
    var fields = answers.done(status: 201, offset: size)
    if let key { fields.append("Location", request.location(of: key)) }
    fields.append(request.digestFields(result.digest))
    exchange.respond(status: 201, fields, result.reply)
  }

  func alreadyComplete(_ account: UploadAccount) {
    exchange.respond(status: 201, answers.done(status: 201, offset: account.safe))
  }

  func suspended(at offset: Int64) {
    if hasTooMuch {
      // From some version on, an upload with more bytes than its length is no upload any more.
      guard version.rules.excessInvalidates else { return refused(.inconsistentLength) }
      guard let key else { return refused(.inconsistentLength) }
      exchange.session?.cancel(key, request.access) { _ in self.refused(.inconsistentLength) }
      return
    }
    guard let key else { return refused(.storageFailed) }
    let answer = answers.created(location: request.location(of: key), offset: offset, limit: request.limit)
    exchange.respond(status: answer.status, answer.fields)
  }

  func failed(_ problem: HTTPProblem, safe: Int64) {
    switch problem {
    // The draft ends an older request abruptly: an answer could be taken for the upload's own.
    case .superseded: return exchange.cut()
    // Judged as a whole, the upload is over: this is its own answer.
    case .digestMismatch, .contentRefused:
      return exchange.answer(problem, answers.done(status: problem.status, offset: safe))
    default: break
    }
    state = ResumableState(offset: safe, isComplete: false, length: creation?.total)
    refused(problem)
  }

  func refused(_ problem: HTTPProblem) {
    exchange.answer(problem, answers.refusal(problem, state, limit: request.limit))
  }
}
