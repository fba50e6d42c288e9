/// One upload's dialogue with an HTTP server, from the client's end: which request comes next, and what an answer means. It
/// does no I/O and knows no clock.
///
/// It asks first what the server speaks (`OPTIONS`). Resumable uploads for HTTP are begun without a byte
/// (`Upload-Complete: ?0`), so that their place is known before the first one is sent and no proxy that drops interim answers
/// can hide it. A server that tells nothing of itself is asked in the newest version and in older ones; what knows neither
/// the draft nor tus gets a plain PUT.
package struct UploadDialogue: Sendable {
  /// What comes after an answer.
  package enum Step: Sendable {
    /// The next request.
    case next
    /// Every byte is taken.
    case done(ServerAnswer)
    /// The server does not know an earlier run's upload any more: what follows is a new one.
    case restart
    /// Try again later.
    case wait(DialogueProblem)
    case fail(DialogueProblem)
  }

  enum Phase: Sendable, Equatable {
    /// What does the server speak?
    case asking
    case creating
    /// How far is the upload?
    case locating
    case appending
    /// All in one request.
    case plain(method: String)
    case over
  }

  static let mostRedirects = 5
  /// Bytes of one request where nobody knows the source's end: what its answer has not acknowledged has to be kept.
  private static let portion: Int64 = 4 << 20

  var intent: UploadIntent
  var phase = Phase.asking
  /// The way of uploading; nil until it is chosen.
  package internal(set) var dialect: ClientDialect?
  /// The upload's own URL; nil before there is one.
  package internal(set) var place: HTTPSURL?
  /// Bytes that the server has acknowledged.
  package internal(set) var offset: Int64 = 0
  /// The place is from an earlier run, and the server has not answered for it yet.
  package internal(set) var isUnconfirmed = false
  /// Whether the server has said itself that it speaks the dialect.
  var isAnnounced = false
  /// Dialects that may still be tried, where the server told nothing.
  var untried: [ClientDialect] = []
  /// Whether a version was tried because a refusal named it.
  var hasFollowedVersion = false
  var limits = ServerLimits()
  var redirects = 0
  /// The request under way.
  var current: DialogueRequest?
  /// Whether the server does not know the upload's length.
  var wasDeferred = false
  /// Where the last request began that the server had another offset for.
  var lastRefusedOffset: Int64?

  /// An upload from its beginning.
  package init(_ intent: UploadIntent) {
    self.intent = intent
  }

  /// An upload that an earlier run began.
  package init(_ intent: UploadIntent, goingOnAt place: HTTPSURL, _ dialect: ClientDialect) {
    self.intent = intent
    self.place = place
    self.dialect = dialect
    isUnconfirmed = true
    isAnnounced = true
    phase = .locating
  }

  /// Whether a lost connection would cost only what was under way.
  package var isResumable: Bool { dialect?.isResumable ?? true }

  /// All bytes, as far as they are known by now.
  package var total: Int64? { intent.total }

  // MARK: Requests

  /// The next request. It stays the next one until it is answered or lost.
  package mutating func request() -> DialogueRequest {
    let request = makeRequest()
    current = request
    return request
  }

  private func makeRequest() -> DialogueRequest {
    let dialect = dialect ?? .newest
    switch phase {
    case .asking: return DialogueRequest("OPTIONS", intent.target, .newest)
    case .creating: return creation(dialect)
    case .locating, .over: return DialogueRequest("HEAD", place ?? intent.target, dialect)
    case .appending: return append(dialect, place ?? intent.target)
    case .plain(let method):
      let url = method == "PUT" ? intent.target.naming(intent.label) : intent.target
      var request = DialogueRequest(method, url, .plain)
      request.fields.append(intent.fields(for: .plain))
      request.content = intent.total.map { $0 == 0 ? .none : .bytes($0) } ?? .all
      // Where the source's end is unknown nothing holds all of it. A second POST could make a second file.
      request.mayRepeat = intent.total != nil && method == "PUT"
      return request
    }
  }

  private func creation(_ dialect: ClientDialect) -> DialogueRequest {
    var request = DialogueRequest("POST", intent.target, dialect)
    if dialect == .tus {
      if let total = intent.total {
        request.fields.append("Upload-Length", String(total))
      } else {
        request.fields.append("Upload-Defer-Length", "1")
      }
    } else if let rules = dialect.rules {
      Self.mark(&request, rules, isLast: false)
      if let total = intent.total, rules.knowsLength { request.fields.append("Upload-Length", String(total)) }
    }
    request.fields.append(intent.fields(for: dialect))
    return request
  }

  private func append(_ dialect: ClientDialect, _ place: HTTPSURL) -> DialogueRequest {
    var request = DialogueRequest("PATCH", place, dialect)
    request.start = offset
    request.fields.append("Upload-Offset", String(offset))
    var isLast = false
    if let total = intent.total {
      let left = max(0, total - offset)
      let count = min(left, limits.maxAppend ?? left)
      isLast = count == left
      if count > 0 { request.content = .bytes(count) }
    } else {
      request.content = .some(atMost: min(limits.maxAppend ?? Self.portion, Self.portion))
    }
    if let rules = dialect.rules {
      Self.mark(&request, rules, isLast: isLast)
      if rules.demandsMediaType { request.fields.append("Content-Type", ResumableRequest.mediaType) }
      if isLast { request.fields.append("Want-Repr-Digest", "sha-256=10") }
    } else {
      request.fields.append("Content-Type", TusAppend.mediaType)
      // The length of an upload that began without one comes with its end.
      if isLast, wasDeferred, let total = intent.total { request.fields.append("Upload-Length", String(total)) }
    }
    return request
  }

  private static func mark(_ request: inout DialogueRequest, _ rules: ResumableRules, isLast: Bool) {
    let value = rules.completenessField == .complete ? isLast : !isLast
    request.fields.append(rules.completenessField.rawValue, StructuredField.text(value))
  }

  // MARK: Without an answer

  /// An interim answer told how far the upload is safe.
  package mutating func acknowledged(_ offset: Int64) {
    guard phase == .appending, offset > self.offset, offset <= intent.total ?? .max else { return }
    self.offset = offset
  }

  /// The connection was lost before the answer.
  ///
  /// - Returns: nil where another try may follow.
  package mutating func lost(_ sent: SentContent) -> DialogueProblem? {
    let mayRepeat = current?.mayRepeat ?? true
    current = nil
    switch phase {
    case .appending: phase = .locating
    case .plain(let method):
      if !mayRepeat, sent.count > 0 || method == "POST" {
        phase = .over
        return DialogueProblem(.unknownEnd)
      }
    case .asking, .creating, .locating, .over: break
    }
    return nil
  }

  /// The upload begins anew, as what was begun is lost.
  package mutating func beginAnew() {
    (place, offset, isUnconfirmed, dialect, isAnnounced) = (nil, 0, false, nil, false)
    (untried, hasFollowedVersion, redirects, lastRefusedOffset, wasDeferred) = ([], false, 0, nil, false)
    phase = .asking
  }
}
