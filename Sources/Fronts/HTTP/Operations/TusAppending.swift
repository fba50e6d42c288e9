import GatewayCore
import HTTPUpload
import NIOCore

/// A PATCH of tus: more bytes of an upload.
final class TusAppending: HTTPOperation {
  /// Both let go of each other at the exchange's end: late words of the core find both.
  private let exchange: HTTPExchange
  private let request: HTTPRequest
  private let key: UploadKey
  private var append: TusAppend?
  private var total: Int64?
  private var expires: Int64?

  init(_ exchange: HTTPExchange, _ request: HTTPRequest, _ key: UploadKey) {
    self.exchange = exchange
    self.request = request
    self.key = key
  }

  func begin() {
    do throws(HTTPProblem) {
      append = try TusAppend(
        exchange.fields, contentLength: request.head.contentLength, checksums: request.terms.checksums)
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
    do throws(HTTPProblem) {
      if account.facts?.role.isFinal == true { throw .finalUpload }
      guard account.state != .failed else { throw .gone }
      try append.check(account.tusState)
      total = account.total ?? append.length
    } catch {
      // Another connection may still have the upload: once what it brought is safe, the offset may be right.
      guard case .wrongOffset = error, account.state == .open, !isSettled else { return refused(error) }
      exchange.session?.settledStatus(of: key, request.access) { self.answered($0, isSettled: true) }
      return
    }
    if account.state == .done {
      return appended(upTo: account.safe, account.digest)
    }
    if let checksum = append.checksum {
      exchange.judge = ChunkJudge(checksum)
    } else if append.checksumComesLast {
      exchange.judge = ChunkJudge(anyOf: request.terms.checksums)
    }
    let (end, isTooFar) = append.offset.addingReportingOverflow(append.contentLength ?? 0)
    if isTooFar { return refused(.tooLarge(limit: request.terms.largestUpload)) }
    var transfer = request.transfer(
      exchange, isTentative: append.isTentative, isLast: append.contentLength == nil || end == total)
    transfer.bringsBytes = append.contentLength != 0
    let resumption = UploadResumption(
      key: key, access: request.access, offset: append.offset, lateTotal: account.total == nil ? append.length : nil,
      atMost: total == nil ? append.contentLength.map { _ in end } : nil, transfer: transfer)
    do throws(Refusal) {
      try exchange.session?.resume(resumption, about: exchange.about)
    } catch {
      refused(HTTPProblem(error))
    }
  }

  func offered(_ offer: UploadOffer) {
    expires = exchange.gateway.expirySeconds(of: request.terms)
    total = offer.total
    if request.head.expectsContinue { exchange.handler.send(interim: 100, [:]) }
  }

  func bodyEnded() {
    if let judge = exchange.judge {
      do throws(HTTPProblem) {
        let brought = try TusChecksum(of: exchange.trailers, known: request.terms.checksums)
        guard judge.isRight(brought) else { throw .checksumMismatch }
      } catch {
        exchange.session?.leave()
        return refused(error)
      }
      exchange.session?.approve()
    } else if exchange.trailers.has(TusChecksum.fieldName) {
      // Nobody hashed what came, as nothing in the head said that it would be checked.
      exchange.session?.leave()
      return refused(.unexpectedField("Upload-Checksum in a trailer that Trailer does not announce"))
    }
    if exchange.position == total { exchange.session?.finish() } else { exchange.session?.leave() }
  }

  func tooMuch() {
    refused(exchange.excess(total: total, limit: request.terms.largestUpload))
  }

  func safe(upTo offset: Int64) {}

  func complete(size: Int64, _ result: SinkResult) { appended(upTo: size, result.digest) }

  /// Everything is there.
  private func appended(upTo size: Int64, _ digest: ContentDigest?) {
    var fields = TusAnswer.appended(offset: size, expires: nil)
    fields.append(request.digestFields(digest))
    exchange.respond(status: 204, fields)
  }

  /// Another connection has completed it meanwhile: the same bytes again are not these bytes.
  func alreadyComplete(_ account: UploadAccount) { found(account, isSettled: true) }

  func suspended(at offset: Int64) {
    exchange.respond(status: 204, TusAnswer.appended(offset: offset, expires: expires))
  }

  func failed(_ problem: HTTPProblem, safe: Int64) { refused(problem) }

  func refused(_ problem: HTTPProblem) {
    exchange.answer(problem, TusAnswer.refusal(problem, maxSize: request.terms.largestUpload))
  }
}
