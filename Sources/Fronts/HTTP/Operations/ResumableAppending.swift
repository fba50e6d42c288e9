import ContentDigests
import GatewayCore
import HTTPUpload
import NIOCore

/// A PATCH of a resumable upload (draft-ietf-httpbis-resumable-upload): more bytes, or its end.
final class ResumableAppending: HTTPOperation {
  /// Both let go of each other at the exchange's end: late words of the core find both.
  private let exchange: HTTPExchange
  private let request: HTTPRequest
  private let key: UploadKey
  private let answers: ResumableAnswer
  private let version: ResumableVersion
  /// Whether more bytes came than the upload has.
  private var hasTooMuch = false
  private var append: ResumableRequest.Append?
  private var digest: DigestFields?
  private var account: UploadAccount?
  private var total: Int64?

  init(_ exchange: HTTPExchange, _ request: HTTPRequest, _ key: UploadKey, _ version: ResumableVersion) {
    self.exchange = exchange
    self.request = request
    self.key = key
    self.version = version
    self.answers = ResumableAnswer(version)
  }

  func begin() {
    do throws(HTTPProblem) {
      append = try ResumableRequest(
        version, fields: exchange.fields, contentLength: request.head.contentLength
      ).append()
      digest = try DigestFields(.content, of: exchange.fields)
      _ = try digest?.toCheck()
    } catch {
      return refused(error)
    }
    exchange.makeSession()?.status(of: key, request.access) { self.answered($0, isSettled: false) }
  }

  private func answered(_ result: Result<UploadAccount, Refusal>, isSettled: Bool) {
    switch result {
    case .success(let account): found(account, isSettled: isSettled)
    case .failure(let refusal): refused(HTTPProblem(refusal))
    }
  }

  /// - Parameter isSettled: whether no other connection has the upload any more.
  private func found(_ account: UploadAccount, isSettled: Bool) {
    guard let append, !exchange.isAnswered else { return }
    self.account = account
    do throws(HTTPProblem) {
      if account.facts?.role.isFinal == true { throw .finalUpload }
      guard account.state != .failed else { throw .gone }
      guard try account.resumableState.decide(append, version.rules) == .receive else {
        var fields = answers.done(status: 201, offset: account.safe)
        fields.append(request.digestFields(account.digest))
        return exchange.respond(status: 201, fields)
      }
    } catch {
      // Another connection may still have the upload: once what it brought is safe, the offset may be right.
      guard case .wrongOffset = error, account.state == .open, !isSettled else { return refused(error) }
      exchange.session?.settledStatus(of: key, request.access) { self.answered($0, isSettled: true) }
      return
    }
    total = account.total ?? append.total
    if digest != nil, !request.terms.takesBack { return refused(.unexpectedField("Content-Digest")) }
    let isTentative = digest != nil
    if let sha256 = digest?.sha256, isTentative { exchange.judge = ChunkJudge(TusChecksum(sha256: sha256)) }
    var transfer = request.transfer(
      exchange, isTentative: isTentative, tellsProgress: tellsProgress, isLast: append.isLast)
    transfer.bringsBytes = append.contentLength != 0
    let resumption = UploadResumption(
      key: key, access: request.access, offset: append.offset, lateTotal: account.total == nil ? append.total : nil,
      atMost: total == nil ? append.contentLength.map { append.offset + $0 } : nil, transfer: transfer)
    do throws(Refusal) {
      try exchange.session?.resume(resumption, about: exchange.about)
    } catch {
      refused(HTTPProblem(error))
    }
  }

  private var tellsProgress: Bool {
    exchange.front.settings.sendsInterim && version.isSaid && version.rules.tellsProgress
  }

  func offered(_ offer: UploadOffer) {
    total = offer.total
    if request.head.expectsContinue { exchange.handler.send(interim: 100, [:]) }
  }

  func bodyEnded() {
    guard let append, !hasTooMuch else { return }
    if let judge = exchange.judge {
      guard judge.isRight() else {
        exchange.session?.leave()
        return refused(digest?.mismatch ?? .checksumMismatch)
      }
      exchange.session?.approve()
    }
    if append.isLast, let total, exchange.position != total {
      exchange.session?.leave()
      return refused(.inconsistentLength)
    }
    if append.isLast { exchange.session?.finish() } else { exchange.session?.leave() }
  }

  func tooMuch() {
    guard !hasTooMuch else { return }
    // An offer may end before the upload does, where quota or room did: then the client is not to blame.
    guard let total = total, exchange.session?.grantedEnd == total else {
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
    fields.append("Location", request.location(of: key))
    fields.append(request.digestFields(result.digest))
    exchange.respond(status: 201, fields, result.reply)
  }

  /// Another connection has completed it meanwhile: the same bytes again are not these bytes.
  func alreadyComplete(_ account: UploadAccount) { found(account, isSettled: true) }

  func suspended(at offset: Int64) {
    if hasTooMuch {
      // From some version on, an upload with more bytes than its length is no upload any more.
      guard version.rules.excessInvalidates else { return refused(.inconsistentLength) }
      exchange.session?.cancel(key, request.access) { _ in self.refused(.inconsistentLength) }
      return
    }
    let answer = answers.appended(offset: offset, limit: request.limit)
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
    refused(problem)
  }

  func refused(_ problem: HTTPProblem) {
    exchange.answer(problem, answers.refusal(problem, account?.resumableState, limit: request.limit))
  }
}
