import GatewayCore
import HTTPUpload
import NIOCore

/// A POST of tus that makes an upload of parts (tus 1.0.0, "Concatenation").
final class TusConcatenating: HTTPQuestion {
  override func begin() {
    guard let eventLoop = exchange.handler.context?.eventLoop else { return }
    do throws(HTTPProblem) {
      let creation = try TusCreation(
        exchange.fields, contentLength: request.head.contentLength, checksums: request.terms.checksums)
      guard let concat = creation.concat, request.terms.traits.assembles else {
        throw .unexpectedField("Upload-Concat")
      }
      let digest = try DigestFields(.representation, of: exchange.fields)?.toCheck()
      var metadata = [tusConcatName: concat.text]
      if let text = creation.metadata?.text { metadata[tusMetadataName] = text }
      let upload = UploadRequest(
        access: request.access, shape: .stream, format: try request.format(creation.metadata?.mediaType), total: nil,
        label: creation.metadata?.label, metadata: metadata, digest: digest.flatMap { ContentDigest(bytes: $0) },
        understandsParts: false, transfer: request.transfer(exchange))
      // The client may wait for long, and hears nothing meanwhile: this is the gateway's own work, which has no silence.
      exchange.gateway.assemble(
        upload, of: try keys(concat), on: eventLoop, logger: exchange.front.logger, about: exchange.about
      ).assumeIsolated().whenComplete { self.ended($0) }
    } catch {
      refused(error)
    }
  }

  /// Each part is one of this route, and of this gateway where its URL says a host.
  private func keys(_ concat: TusConcat) throws(HTTPProblem) -> [UploadKey] {
    let own = [request.head.authority, Authority(request.origin.dropFirst("https://".count))].compactMap { $0 }
    let texts = try concat.keys(
      on: request.place.route, routes: exchange.gateway.routePaths, authorities: own)
    var keys: [UploadKey] = []
    for text in texts {
      guard let key = UploadKey(text) else { throw .notFound }
      keys.append(key)
    }
    return keys
  }

  private func ended(_ result: Result<AssemblyOutcome, any Error>) {
    switch result {
    case .success(.complete(let key, _)): created(key, expires: nil)
    case .success(.waits(let key, let expiresAt)): created(key, expires: expiresAt.milliseconds / 1000)
    case .failure(let failure as UploadFailure): refused(HTTPProblem(failure))
    case .failure(let error): refused((error as? Refusal).map { HTTPProblem($0) } ?? .storageFailed)
    }
  }

  private func created(_ key: UploadKey, expires: Int64?) {
    exchange.respond(
      status: 201, TusAnswer.created(location: request.location(of: key), offset: nil, expires: expires))
  }
}
