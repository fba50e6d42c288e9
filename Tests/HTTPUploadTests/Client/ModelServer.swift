@testable import HTTPUpload

/// A server of one upload without a network, as a client's dialogue sees it.
struct ModelServer {
  /// What it speaks.
  enum Kind: Hashable, Sendable {
    /// The draft; without a sign in OPTIONS where it does not announce itself.
    case draft(Int, isAnnounced: Bool)
    case tus
    /// Neither, by PUT or by POST.
    case plain(method: String)
  }

  static let all: [Kind] =
    [.tus, .plain(method: "PUT"), .plain(method: "POST")]
    + [3, 4, 5, 6, 7, 8, 9, 10].flatMap { [.draft($0, isAnnounced: false), .draft($0, isAnnounced: true)] }

  let kind: Kind
  var maxAppend: Int64?
  /// Of the upload that was begun last.
  private(set) var offset: Int64?
  private(set) var total: Int64?
  private(set) var isComplete = false
  /// Whether there are bytes that came twice, or after the end.
  private(set) var isSpoiled = false
  private(set) var creations = 0

  init(_ kind: Kind, maxAppend: Int64? = nil) {
    self.kind = kind
    self.maxAppend = maxAppend
  }

  /// Forgets the upload.
  mutating func forget() { offset = nil }

  /// Takes a request of which so many bytes of content arrive.
  ///
  /// - Parameters:
  ///   - arriving: nil for all; fewer are a lost connection, and the answer is nil then.
  ///   - source: all bytes there are.
  mutating func take(_ request: DialogueRequest, arriving: Int64? = nil, source: Int64) -> (ServerAnswer?, SentContent)
  {
    let whole = Self.length(of: request, source: source)
    let count = min(arriving ?? whole, whole)
    let sent = SentContent(count: count, sourceEnded: request.length == nil && request.start + count == source)
    let isCut = arriving.map { $0 < whole } ?? false
    let answer = answer(request, count, isCut: isCut)
    return (isCut ? nil : answer, sent)
  }

  private static func length(of request: DialogueRequest, source: Int64) -> Int64 {
    switch request.content {
    case .none: 0
    case .bytes(let count): count
    case .some(let most): min(most, source - request.start)
    case .all: source
    }
  }

  private mutating func answer(_ request: DialogueRequest, _ count: Int64, isCut: Bool) -> ServerAnswer {
    switch kind {
    case .plain(let method): plain(request, method, count, isCut)
    case .tus: tus(request, count)
    case .draft(let number, let isAnnounced): draft(request, count, isCut, number, isAnnounced)
    }
  }

  private mutating func plain(
    _ request: DialogueRequest, _ method: String, _ count: Int64, _ isCut: Bool
  ) -> ServerAnswer {
    guard request.method == method, !request.fields.has("Upload-Complete"), !request.fields.has("Upload-Incomplete")
    else { return ServerAnswer(status: 405) }
    if !isCut { (offset, isComplete) = (count, true) }
    return ServerAnswer(status: 201)
  }

  private mutating func tus(_ request: DialogueRequest, _ count: Int64) -> ServerAnswer {
    if request.method == "OPTIONS" {
      return ServerAnswer(status: 204, fields: ["Tus-Version": "1.0.0", "Tus-Extension": "creation,termination"])
    }
    guard request.fields.first("Tus-Resumable") == "1.0.0" else { return ServerAnswer(status: 412) }
    if request.method == "POST" {
      begin(request)
      isComplete = total == 0
      return ServerAnswer(status: 201, fields: ["Location": "/files/1"])
    }
    guard let offset else { return ServerAnswer(status: 404) }
    if request.method == "HEAD" {
      var fields: HTTPFields = ["Upload-Offset": "\(offset)"]
      if let total { fields.append("Upload-Length", "\(total)") }
      return ServerAnswer(status: 200, fields: fields)
    }
    guard request.fields.first("Upload-Offset") == "\(offset)" else { return ServerAnswer(status: 409) }
    if let text = request.fields.first("Upload-Length") { total = Int64(text) }
    append(count)
    isComplete = self.offset == total
    return ServerAnswer(status: 204, fields: ["Upload-Offset": "\(self.offset ?? 0)"])
  }

  private mutating func draft(
    _ request: DialogueRequest, _ count: Int64, _ isCut: Bool, _ number: Int, _ isAnnounced: Bool
  ) -> ServerAnswer {
    let version: HTTPFields = ["Upload-Draft-Interop-Version": "\(number)"]
    if request.method == "OPTIONS" {
      let fields: HTTPFields = ["Upload-Limit": maxAppend.map { "max-append-size=\($0)" } ?? "min-size=0"]
      var told = version
      told.append(fields)
      return isAnnounced ? ServerAnswer(status: 200, fields: told) : ServerAnswer(status: 404)
    }
    // A server that knows one version alone.
    let said = request.fields.natural("Upload-Draft-Interop-Version").map { Int($0) }
    guard said == number else {
      return ServerAnswer(status: 400, fields: isAnnounced ? [:] : version)
    }
    let mark = number == 3 ? "Upload-Incomplete" : "Upload-Complete"
    let open = (mark, number == 3 ? "?1" : "?0")
    let done = (mark, number == 3 ? "?0" : "?1")
    if request.method == "POST" {
      begin(request)
      var fields = HTTPFields([(name: "Location", value: "https://a/up/1"), (name: open.0, value: open.1)])
      if let maxAppend { fields.append("Upload-Limit", "max-append-size=\(maxAppend)") }
      return ServerAnswer(status: 201, fields: fields)
    }
    guard let offset else { return ServerAnswer(status: 404) }
    let state = isComplete ? done : open
    if request.method == "HEAD" {
      return ServerAnswer(
        status: 204,
        fields: HTTPFields([(name: "Upload-Offset", value: "\(offset)"), (name: state.0, value: state.1)]))
    }
    guard request.fields.first("Upload-Offset") == "\(offset)" else {
      return ServerAnswer(status: 409, fields: ["Upload-Offset": "\(offset)"])
    }
    append(count)
    if let maxAppend, count > maxAppend { isSpoiled = true }
    let isLast = request.fields.first(mark) == done.1
    if isLast, !isCut { isComplete = true }
    let answered = isComplete ? done : open
    return ServerAnswer(status: isLast ? 201 : 204, fields: HTTPFields([(name: answered.0, value: answered.1)]))
  }

  private mutating func begin(_ request: DialogueRequest) {
    creations += 1
    (offset, isComplete) = (0, false)
    total = request.fields.first("Upload-Length").flatMap { Int64($0) }
  }

  private mutating func append(_ count: Int64) {
    if isComplete, count > 0 { isSpoiled = true }
    offset = (offset ?? 0) + count
  }
}
