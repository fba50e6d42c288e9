import GatewayCore
import HTTPUpload
import NIOCore

/// A POST of tus that opens an upload, with or without its first bytes.
final class TusCreating: HTTPOperation {
  /// Both let go of each other at the exchange's end: late words of the core find both.
  private let exchange: HTTPExchange
  private let request: HTTPRequest
  private var creation: TusCreation?
  private var key: UploadKey?
  private var expires: Int64?

  init(_ exchange: HTTPExchange, _ request: HTTPRequest) {
    self.exchange = exchange
    self.request = request
  }

  func begin() {
    do throws(HTTPProblem) {
      let creation = try TusCreation(
        exchange.fields, contentLength: request.head.contentLength, checksums: request.terms.checksums)
      let isPart = creation.concat != nil
      if isPart, !request.terms.traits.assembles { throw .unexpectedField("Upload-Concat") }
      self.creation = creation
      if let checksum = creation.checksum {
        exchange.judge = ChunkJudge(checksum)
      }
      let digest = try DigestFields(.representation, of: exchange.fields)?.toCheck()
      // Nobody would ever look whether a part has it.
      if isPart, digest != nil { throw .unexpectedField("Repr-Digest") }
      var metadata: [String: String] = [:]
      if let text = creation.metadata?.text { metadata[tusMetadataName] = text }
      var transfer = request.transfer(
        exchange, isTentative: creation.checksum != nil,
        isLast: creation.contentLength == nil || creation.contentLength == creation.length)
      transfer.bringsBytes = creation.hasContent
      var upload = UploadRequest(
        access: request.access, shape: .stream, format: try request.format(creation.metadata?.mediaType),
        total: creation.length, label: creation.metadata?.label, metadata: metadata,
        digest: digest.flatMap { ContentDigest(bytes: $0) },
        atMost: creation.length == nil ? request.head.contentLength : nil, understandsParts: false, transfer: transfer)
      upload.isPart = isPart
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
    expires = exchange.gateway.expirySeconds(of: request.terms)
    if request.head.expectsContinue { exchange.handler.send(interim: 100, [:]) }
  }

  func bodyEnded() {
    if let judge = exchange.judge {
      guard judge.isRight() else {
        exchange.session?.leave()
        return refused(.checksumMismatch)
      }
      exchange.session?.approve()
    }
    if exchange.position == creation?.length { exchange.session?.finish() } else { exchange.session?.leave() }
  }

  func tooMuch() {
    refused(exchange.excess(total: creation?.length, limit: request.terms.largestUpload))
  }

  func safe(upTo offset: Int64) {}

  func complete(size: Int64, _ result: SinkResult) { created(at: size, expires: nil, result.digest) }

  func alreadyComplete(_ account: UploadAccount) { created(at: account.safe, expires: nil, account.digest) }

  func suspended(at offset: Int64) { created(at: offset, expires: expires, nil) }

  private func created(at offset: Int64, expires: Int64?, _ digest: ContentDigest?) {
    guard let key else { return refused(.storageFailed) }
    var fields = TusAnswer.created(location: request.location(of: key), offset: offset, expires: expires)
    fields.append(request.digestFields(digest))
    exchange.respond(status: 201, fields)
  }

  func failed(_ problem: HTTPProblem, safe: Int64) { refused(problem) }

  func refused(_ problem: HTTPProblem) {
    exchange.answer(problem, TusAnswer.refusal(problem, maxSize: request.terms.largestUpload))
  }
}
