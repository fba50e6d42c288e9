import HTTPUpload
import NIOCore
import XStream

// Questions about uploads of either kind, by their handle.
extension UploadClient {
  /// Asks how far an upload is; nothing changes at its server, but that an older connection lets go of it.
  ///
  /// - Parameters:
  ///   - handle: what names it, as ``UploadOffer/key``.
  ///   - total: for a stream its total, nil if that was unknown.
  ///   - dialect: the way in which an upload over HTTP began, if it is known.
  ///   - url: where it went to.
  /// - Throws: ``UploadError``; with status 10 if the server does not know the upload.
  public func ask(
    _ handle: UploadHandle, total: Int64?, dialect: String? = nil, at url: UploadURL
  ) async throws(UploadError) -> StreamPosition {
    guard let place = handle.url else {
      let (key, stream) = try stream(handle, url)
      return try await ask(key, total: total, at: stream)
    }
    var question = UploadQuestion(.position, of: place, dialect.flatMap { ClientDialect($0) })
    let answer = try await answer(&question, place)
    guard case .position(let offset, let length, let isComplete) = answer else { preconditionFailure("not asked") }
    return StreamPosition(isComplete: isComplete, safe: offset, left: (length ?? total).map { max(0, $0 - offset) })
  }

  /// Gives an unfinished upload up: the server drops what it has.
  ///
  /// - Throws: ``UploadError``; with status 10 if the server does not know the upload.
  public func giveUp(
    _ handle: UploadHandle, dialect: String? = nil, at url: UploadURL
  ) async throws(UploadError) {
    guard let place = handle.url else {
      let (key, stream) = try stream(handle, url)
      return try await giveUp(key, at: stream)
    }
    var question = UploadQuestion(.removal, of: place, dialect.flatMap { ClientDialect($0) })
    _ = try await answer(&question, place)
  }

  private func stream(_ handle: UploadHandle, _ url: UploadURL) throws(UploadError) -> (StreamKey, XStreamURL) {
    guard let key = handle.stream, let stream = url.stream else { throw UploadError.noStreamURL(url) }
    return (key, stream)
  }

  /// - Returns: an answer, or what the removal came to.
  private func answer(
    _ question: inout UploadQuestion, _ url: HTTPSURL
  ) async throws(UploadError) -> UploadQuestion.Step {
    let server = counterpart(url)
    let loop = group.next()
    do {
      let context = try contexts.context(for: [HTTPConnection.applicationProtocol])
      while true {
        let connection = try await HTTPConnection.connect(to: url, configuration, context, on: loop)
        let end = await connection.carryOut(question.request, token: configuration.token)
        await connection.close()
        switch end {
        case .answered(let answer, _, _):
          let step = question.answered(answer)
          switch step {
          case .next: continue
          case .fail(let problem): throw UploadError.http(problem, from: server)
          case .position, .removed: return step
          }
        case .lost where Task.isCancelled: throw CancellationError()
        case .lost(let loss, _, _): throw loss
        case .feedFailed(let error): throw error.error(nil)
        }
      }
    } catch let loss as ConnectionLoss {
      throw loss.error(nil, with: server)
    } catch {
      throw UploadError(error)
    }
  }

  func counterpart(_ url: HTTPSURL) -> Counterpart {
    Counterpart(url: url, showsToken: configuration.token != nil, showsCertificate: configuration.identity != nil)
  }
}

extension UploadError {
  /// A stream's key at a URL that x-stream cannot have.
  static func noStreamURL(_ url: some CustomStringConvertible) -> UploadError {
    UploadError(
      code: .request, message: "\(url) cannot be asked over x-stream, which this upload began in.",
      isWorthAnotherTry: false)
  }
}
