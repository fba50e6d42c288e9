import GatewayCore
import HTTPUpload

/// A request that brings no bytes of an upload: what an operation has to be told of one never comes.
class HTTPQuestion: HTTPOperation {
  /// Both let go of each other at the exchange's end: late words of the core find both.
  let exchange: HTTPExchange
  let request: HTTPRequest

  init(_ exchange: HTTPExchange, _ request: HTTPRequest) {
    self.exchange = exchange
    self.request = request
  }

  func begin() {}
  func offered(_ offer: UploadOffer) { exchange.session?.finish() }
  func bodyEnded() {}
  func tooMuch() { exchange.session?.leave() }
  func safe(upTo offset: Int64) {}
  func complete(size: Int64, _ result: SinkResult) {}
  func alreadyComplete(_ account: UploadAccount) {}
  func suspended(at offset: Int64) { refused(.storageFailed) }
  func failed(_ problem: HTTPProblem, safe: Int64) { refused(problem) }
  func refused(_ problem: HTTPProblem) { exchange.answer(problem, dialectFields(problem)) }

  /// What the dialect adds to a refusal.
  final func dialectFields(_ problem: HTTPProblem) -> HTTPFields {
    switch request.dialect {
    case .tus: TusAnswer.refusal(problem, maxSize: request.terms.largestUpload)
    case .resumable(let version): ResumableAnswer(version).refusal(problem, nil, limit: request.limit)
    case .plain, .form: HTTPFields()
    }
  }
}

/// A question about one upload.
class HTTPUploadQuestion: HTTPQuestion {
  let key: UploadKey

  init(_ exchange: HTTPExchange, _ request: HTTPRequest, _ key: UploadKey) {
    self.key = key
    super.init(exchange, request)
  }

  final override func begin() {
    if case .resumable(let version) = request.dialect {
      do throws(HTTPProblem) {
        try ResumableRequest(version, fields: exchange.fields, contentLength: 0).checkForStrayFields()
      } catch {
        return refused(error)
      }
    }
    ask()
  }

  /// The request has no field that belongs to an append.
  func ask() {}
}

/// HEAD or GET of an upload: how far it is. A connection that has the upload makes safe what it brought, and loses it, so
/// that the offset told is one to go on from.
final class HTTPDescription: HTTPUploadQuestion {
  private var account: UploadAccount?

  override func ask() {
    exchange.makeSession()?.settledStatus(of: key, request.access) { result in
      switch result {
      case .success(let account): self.found(account)
      case .failure(let refusal): self.refused(HTTPProblem(refusal))
      }
    }
  }

  private func found(_ account: UploadAccount) {
    self.account = account
    guard account.state != .failed else { return refused(.gone) }
    // tus has no end but the length: after a crash between the last byte and the end, this is the one who ends it. A part
    // has no end, and what is made of parts the gateway ends by itself.
    if request.dialect == .tus, account.state == .open, account.total == account.safe, account.facts?.role == .whole {
      do throws(Refusal) {
        return try exchange.session?.resume(
          UploadResumption(key: key, access: request.access, transfer: request.transfer(exchange)),
          about: exchange.about) ?? ()
      } catch {
        return refused(HTTPProblem(error))
      }
    }
    describe(account)
  }

  override func complete(size: Int64, _ result: SinkResult) {
    guard var account else { return }
    account.state = .done
    account.expiresAt = nil
    account.digest = result.digest
    describe(account)
  }

  override func alreadyComplete(_ account: UploadAccount) { describe(account) }

  private func describe(_ account: UploadAccount) {
    var answer: (status: Int, fields: HTTPFields)
    switch request.dialect {
    case .tus: answer = (200, TusAnswer.described(account.tusState, expires: account.expires))
    case .resumable(let version):
      answer = ResumableAnswer(version).retrieved(account.resumableState, limit: request.limit)
    case .plain, .form:
      let described = TusAnswer.described(account.tusState, expires: account.expires)
      answer = (200, described)
      // What waits for its parts has no offset, and only tus has a word for that.
      if !account.tusState.awaitsParts {
        answer = ResumableAnswer(ResumableVersion(number: nil)).retrieved(account.resumableState, limit: request.limit)
        answer.fields.fill(from: described)
      }
    }
    // Of an unfinished upload only what it has to come to is known.
    if account.state == .done { answer.fields.append(request.digestFields(account.digest)) }
    exchange.respond(status: answer.status, answer.fields)
  }
}

/// DELETE of an upload.
final class HTTPRemoval: HTTPUploadQuestion {
  override func ask() {
    exchange.makeSession()?.status(of: key, request.access) { result in
      switch result {
      case .success(let account): self.remove(isComplete: account.state == .done)
      case .failure(let refusal): self.refused(HTTPProblem(refusal))
      }
    }
  }

  private func remove(isComplete: Bool) {
    guard isComplete else { return exchange.session?.cancel(key, request.access) { self.removed($0) } ?? () }
    guard request.settings.removesComplete else { return refused(.completeUploadStays) }
    exchange.session?.remove(key, request.access) { self.removed($0) }
  }

  private func removed(_ result: Result<Void, Refusal>) {
    switch result {
    case .success:
      var fields = HTTPFields()
      if request.dialect == .tus { fields.append(TusAnswer.common) }
      if case .resumable(let version) = request.dialect { fields.append(version.fields) }
      exchange.respond(status: 204, fields)
    case .failure(let refusal): refused(HTTPProblem(refusal))
    }
  }
}

/// OPTIONS: what a route can do. It answers without credentials, as browsers and phones ask so.
final class HTTPCapabilities: HTTPQuestion {
  override func begin() {
    let terms = request.terms
    var fields = TusAnswer.options(
      maxSize: terms.largestUpload, checksums: terms.checksums, concatenates: terms.traits.assembles)
    fields.append(ResumableAnswer(ResumableVersion(of: exchange.fields)).options(limit: request.limit))
    fields.append("Want-Repr-Digest", DigestWish.ours)
    if terms.takesBack { fields.append("Want-Content-Digest", DigestWish.ours) }
    fields.append("Allow", HTTPRequest.methods.joined(separator: ", "))
    exchange.respond(status: 200, fields)
  }
}
