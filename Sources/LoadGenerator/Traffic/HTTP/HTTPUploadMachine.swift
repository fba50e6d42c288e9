import HTTPUpload

/// One upload over HTTP, from the client's end: which request comes next, and what an answer means. It does no I/O and knows no
/// clock. Unlike a client that wants an upload to succeed anywhere, it speaks one protocol, and takes what a server may not
/// say for a violation.
struct HTTPUploadMachine {
  /// What the request under way is for.
  enum Step: Equatable {
    case creating, appending
    /// How far is it?
    case asking
    /// Drop it.
    case removing
  }

  /// What an answer means.
  enum OnAnswer: Equatable {
    /// Another request follows.
    case goOn
    /// All of it is there. With the SHA-256 that the server told.
    case complete(digest: [UInt8]?)
    /// It was asked only to be known, and is not complete.
    case known
    /// It is dropped.
    case removed
    /// The server says no. `mayGoOn`: whether another try may have another answer, and after how many seconds.
    case refused(mayGoOn: Bool, after: Int64?)
    case violation(Setback.Violation)
  }

  /// What is sent.
  struct Plan {
    var speaks: UploadProtocol
    var route: String
    /// A name for the file.
    var label: String
    var format: UploadKind.Format
    var size: Int64
    var isSizeTold: Bool
    /// The most bytes of one request; nil for all.
    var part: Int64?
    /// Whether it is begun by a request without bytes.
    var isNamedFirst: Bool
    /// The SHA-256 that is announced.
    var digest: [UInt8]?
    /// The bearer token, a secret.
    var token: String?
  }

  let plan: Plan
  private(set) var step = Step.creating
  /// The upload's, once the server has named it.
  private(set) var key: String?
  /// Bytes that the server has said to be safe.
  private(set) var safe: Int64 = 0
  /// The most that can have arrived.
  private(set) var sent: Int64 = 0
  /// Whether the upload is given up once its place was asked for.
  private var isToBeRemoved = false
  /// Whether a removal was sent whose answer never came.
  private var mayBeRemoved = false
  /// Whether the server was told the length.
  private var hasLength: Bool
  /// Whether the request under way brings the end.
  private var isLast = false

  init(_ plan: Plan) {
    self.plan = plan
    hasLength = plan.isSizeTold
  }

  var canResume: Bool { plan.speaks.isResumable && key != nil }

  // MARK: Requests

  /// The next request.
  mutating func next() -> HTTPJob {
    var job: HTTPJob
    switch step {
    case .creating: job = creation()
    case .appending: job = append()
    case .asking: job = HTTPJob(method: "HEAD", path: path, fields: common)
    case .removing: job = HTTPJob(method: "DELETE", path: path, fields: common)
    }
    if let token = plan.token { job.fields.append("Authorization", "Bearer \(token)") }
    return job
  }

  private var path: String { plan.route + "/" + (key ?? "") }

  private var version: ResumableVersion { ResumableVersion(number: Int64(ResumableRules.newest.number)) }

  private var common: HTTPFields {
    switch plan.speaks {
    case .xStream, .put: HTTPFields()
    case .tus: TusAnswer.common
    case .resumable: version.fields
    }
  }

  private mutating func creation() -> HTTPJob {
    var job = HTTPJob(method: "POST", path: plan.route, fields: common)
    (hasLength, isLast) = (plan.isSizeTold, false)
    switch plan.speaks {
    case .xStream, .put:
      (job.method, job.path, isLast) = ("PUT", plan.route + "/" + plan.label, true)
      job.fields.append("Content-Type", plan.format.mediaType)
      job.body = all
    case .tus:
      let pairs = [("filename", plan.label), ("filetype", plan.format.mediaType)]
      job.fields.append(
        "Upload-Metadata", pairs.map { "\($0.0) \(Base64.encode(Array($0.1.utf8)))" }.joined(separator: ","))
      job.fields.append(hasLength ? "Upload-Length" : "Upload-Defer-Length", hasLength ? String(plan.size) : "1")
      isLast = hasLength && plan.size == 0
    case .resumable:
      isLast = plan.part == nil && !plan.isNamedFirst
      job.fields.append("Upload-Complete", StructuredField.text(isLast))
      job.fields.append("Content-Type", plan.format.mediaType)
      job.fields.append("Content-Disposition", "attachment; filename=\"\(plan.label)\"")
      if hasLength { job.fields.append("Upload-Length", String(plan.size)) }
      if isLast { job.body = all }
    }
    if let digest = plan.digest { job.fields.append("Repr-Digest", DigestFields.value(sha256: digest)) }
    return job
  }

  private var all: HTTPJob.Body { plan.isSizeTold ? .known(0..<plan.size) : .chunked(from: 0) }

  private mutating func append() -> HTTPJob {
    let end = plan.part.map { min(plan.size, safe + $0) } ?? plan.size
    isLast = end == plan.size
    var job = HTTPJob(method: "PATCH", path: path, fields: common, body: .known(safe..<end))
    job.fields.append("Upload-Offset", String(safe))
    if plan.speaks == .tus {
      job.fields.append("Content-Type", TusAppend.mediaType)
      if isLast, !hasLength {
        job.fields.append("Upload-Length", String(plan.size))
        hasLength = true
      }
    } else {
      job.fields.append("Content-Type", ResumableRequest.mediaType)
      job.fields.append("Upload-Complete", StructuredField.text(isLast))
      if isLast, !hasLength, plan.part == nil { job.body = .chunked(from: safe) }
    }
    return job
  }

  /// Bytes up to there were handed on.
  mutating func handedOn(to position: Int64) { sent = max(sent, position) }

  // MARK: Answers

  /// An interim answer.
  ///
  /// - Returns: what it breaks.
  mutating func interim(_ status: Int, _ fields: HTTPFields) -> Setback.Violation? {
    guard status == 104 else { return nil }
    if let location = fields.first("Location"), let violation = named(location) { return violation }
    return fields.has("Upload-Offset") ? told(fields) : nil
  }

  mutating func answered(_ answer: HTTPAnswer) -> OnAnswer {
    guard answer.isSuccess else { return refused(answer) }
    if step == .removing { return .removed }
    if let location = answer.fields.first("Location"), let violation = named(location) { return .violation(violation) }
    guard key != nil else { return .violation(.final("an upload was taken, and has no Location")) }
    let digest = (try? DigestFields(.representation, of: answer.fields))?.sha256
    if step == .asking { return placed(answer, digest) }
    if isLast, plan.speaks != .tus {
      // What the request brought is all there is: an answer without an offset speaks of all of it.
      if answer.fields.boolean("Upload-Complete") == false {
        return .violation(.final("the last request was taken, and more is to come"))
      }
      return completed(digest)
    }
    if let violation = told(answer.fields) { return .violation(violation) }
    if plan.speaks == .tus, hasLength, safe == plan.size { return completed(digest) }
    step = .appending
    return .goOn
  }

  private mutating func placed(_ answer: HTTPAnswer, _ digest: [UInt8]?) -> OnAnswer {
    if let violation = told(answer.fields) { return .violation(violation) }
    if plan.speaks == .tus { hasLength = answer.fields.has("Upload-Length") }
    let isWhole =
      plan.speaks == .tus ? hasLength && safe == plan.size : answer.fields.boolean("Upload-Complete") == true
    if isWhole { return completed(digest) }
    step = isToBeRemoved ? .removing : .appending
    return isToBeRemoved ? .known : .goOn
  }

  private mutating func completed(_ digest: [UInt8]?) -> OnAnswer {
    guard sent == plan.size else { return .violation(.final("complete with \(sent) of \(plan.size) bytes sent")) }
    if let digest, let own = plan.digest, digest != own { return .violation(.digest("the digest is another")) }
    return .complete(digest: digest)
  }

  private mutating func named(_ location: String) -> Setback.Violation? {
    let name = String(location.split(separator: "/").last ?? "")
    guard !name.isEmpty, location.hasSuffix(plan.route + "/" + name) else {
      return .final("Location is \(location.prefix(60))")
    }
    if let key, key != name { return .final("a second Location for one upload") }
    key = name
    return nil
  }

  /// An offset in an answer: never less than before, never more than was sent.
  private mutating func told(_ fields: HTTPFields) -> Setback.Violation? {
    guard let offset = fields.first("Upload-Offset").flatMap({ WholeNumber.parse($0) }) else {
      return .offset("an answer has no Upload-Offset")
    }
    guard offset >= safe else { return .offset("offset \(offset) after \(safe)") }
    guard offset <= sent else { return .offset("offset \(offset), and \(sent) bytes were sent") }
    safe = offset
    return nil
  }

  private mutating func refused(_ answer: HTTPAnswer) -> OnAnswer {
    let after = answer.fields.first("Retry-After").flatMap { WholeNumber.parse($0) }
    switch (answer.status, step) {
    case (404, .removing) where mayBeRemoved: return .removed
    // It can never be completed, or a power cut took back what nobody was told is safe: a new one may.
    case (410, _) where key != nil, (404, .asking) where safe == 0:
      forget()
      return .refused(mayGoOn: true, after: after)
    case (408, _), (409, _), (429, _), (500, _), (502, _), (503, _), (504, _), (507, _):
      broken()
      return .refused(mayGoOn: true, after: after)
    default: return .refused(mayGoOn: false, after: after)
    }
  }

  // MARK: Endings

  /// The connection broke, or the server said no for now: where does the upload stand?
  mutating func broken() {
    if step == .removing { mayBeRemoved = true }
    guard canResume else { return forget() }
    if step != .removing { step = .asking }
  }

  /// What was sent is to be given up.
  mutating func remove() {
    isToBeRemoved = true
    step = .asking
  }

  private mutating func forget() {
    (step, key, safe, sent) = (.creating, nil, 0, 0)
  }
}

extension UploadKind.Format {
  /// What HTTP calls it.
  var mediaType: String {
    switch self {
    case .bytes: "application/octet-stream"
    case .text: "text/plain; charset=utf-8"
    case .json: "application/json"
    }
  }
}
