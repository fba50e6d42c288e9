import GatewayCore
import HTTPUpload
import NIOCore

/// PUT or POST of one file in one go: what breaks off is dropped.
final class PlainUpload: HTTPOperation {
  /// Both let go of each other at the exchange's end: late words of the core find both.
  private let exchange: HTTPExchange
  private let request: HTTPRequest
  private var key: UploadKey?
  private var contentDigest: DigestFields?

  init(_ exchange: HTTPExchange, _ request: HTTPRequest) {
    self.exchange = exchange
    self.request = request
  }

  func begin() {
    do throws(HTTPProblem) {
      let digest = try DigestFields(.representation, of: exchange.fields)?.toCheck()
      if let content = try DigestFields(.content, of: exchange.fields) {
        exchange.judge = ChunkJudge(TusChecksum(sha256: try content.toCheck()))
        contentDigest = content
      }
      let label =
        request.label ?? exchange.fields.first("Content-Disposition").flatMap { ContentDisposition($0)?.label }
      let upload = UploadRequest(
        access: request.access, shape: .whole, format: try request.format(exchange.fields.contentType),
        total: request.head.contentLength, label: label, digest: digest.flatMap { ContentDigest(bytes: $0) },
        understandsParts: false, transfer: request.transfer(exchange))
      do throws(Refusal) {
        try exchange.makeSession()?.open(upload, about: exchange.about)
      } catch {
        refused(HTTPProblem(error))
      }
    } catch {
      refused(error)
    }
  }

  func offered(_ offer: UploadOffer) {
    key = offer.key
    if request.head.expectsContinue { exchange.handler.send(interim: 100, [:]) }
  }

  func bodyEnded() {
    if let judge = exchange.judge, !judge.isRight() {
      exchange.session?.leave()
      return refused(contentDigest?.mismatch ?? .checksumMismatch)
    }
    exchange.session?.finish()
  }

  func tooMuch() {
    refused(exchange.excess(total: request.head.contentLength, limit: request.terms.largestUpload))
  }

  func safe(upTo offset: Int64) {}

  func complete(size: Int64, _ result: SinkResult) {
    var fields = HTTPFields()
    if let key { fields.append("Location", request.location(of: key)) }
    fields.append(request.digestFields(result.digest))
    if result.reply != nil { fields.append("Content-Type", "application/octet-stream") }
    exchange.respond(status: 201, fields, result.reply)
  }

  func alreadyComplete(_ account: UploadAccount) { refused(.storageFailed) }

  func suspended(at offset: Int64) { tooMuch() }

  func failed(_ problem: HTTPProblem, safe: Int64) { refused(problem) }

  func refused(_ problem: HTTPProblem) { exchange.answer(problem, HTTPFields()) }
}
