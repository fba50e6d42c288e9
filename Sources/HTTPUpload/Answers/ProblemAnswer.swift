/// A problem as it goes out: `application/problem+json` (RFC 9457) and the fields that belong to it.
package struct ProblemAnswer: Sendable {
  /// The status.
  package let status: Int
  /// The fields, `Content-Type` and `X-Content-Type-Options` among them, without `Content-Length`.
  package let fields: HTTPFields
  /// The body.
  package let body: String

  /// Writes a problem.
  ///
  /// - Parameter more: members of the case at hand, such as a form's `completed` files.
  package init(_ problem: HTTPProblem, more: [(name: String, value: JSONText)] = []) {
    status = problem.status
    var fields = problem.fields
    fields.append("Content-Type", "application/problem+json")
    fields.append("X-Content-Type-Options", "nosniff")
    self.fields = fields
    var members: [(name: String, value: JSONText)] = [
      ("type", .string(problem.type)), ("title", .string(problem.title)), ("status", .number(Int64(problem.status))),
    ]
    if let detail = problem.detail { members.append(("detail", .string(detail))) }
    body = JSONText.object(members + problem.extensions + more).text
  }
}

extension HTTPProblem {
  /// The members that the problem's type has beside the common ones.
  package var extensions: [(name: String, value: JSONText)] {
    switch self {
    case .wrongOffset(let expected, let provided):
      return [("expected-offset", .number(expected)), ("provided-offset", .number(provided))]
    case .digestUnsupported(let algorithms, let field):
      let entries = algorithms.map { JSONText.object([("algorithm", .string($0)), ("header", .string(field))]) }
      return [("unsupported-algorithms", .array(entries))]
    case .digestInvalid(let algorithm, let field):
      let reason = JSONText.string("the value has not the length of the algorithm's digests")
      let entry = JSONText.object([
        ("algorithm", .string(algorithm)), ("header", .string(field)), ("reason", reason),
      ])
      return [("invalid-digests", .array([entry]))]
    case .digestMismatch(let algorithm, let provided, let field):
      let entry = JSONText.object([
        ("algorithm", .string(algorithm)), ("header", .string(field)),
        ("provided-digest", .string(":\(Base64.encode(provided)):")),
      ])
      return [("mismatching-digests", .array([entry]))]
    case .tooLarge(.some(let limit)): return [("limit", .number(limit))]
    case .contentRefused(.some(let offset)): return [("offset", .number(offset))]
    default: return []
    }
  }

  /// The fields that an answer of this problem has to have. Those of a dialect (`Tus-Resumable`, `Upload-Complete`, the
  /// version of a draft) come from the dialect.
  package var fields: HTTPFields {
    switch self {
    case .unauthorized: ["WWW-Authenticate": "Bearer"]
    case .methodNotAllowed(let allowed): ["Allow": allowed.joined(separator: ", ")]
    case .wrongOffset(let expected, _): ["Upload-Offset": String(expected)]
    case .tusVersion: ["Tus-Version": "1.0.0"]
    case .mediaType(let accepted) where !accepted.isEmpty: ["Accept": accepted.joined(separator: ", ")]
    case .contentEncoded: ["Accept-Encoding": "identity"]
    case .digestUnsupported(_, let field): ["Want-\(field)": DigestWish.ours]
    case .busy(let wait): ["Retry-After": HTTPDate.retryAfter(wait)]
    case .shuttingDown: ["Retry-After": "5"]
    default: [:]
    }
  }

  /// Whether the connection has to end with the answer: where the message ends is unknown, or nobody is there to go on.
  package var closesConnection: Bool {
    switch self {
    case .badMessage, .transferCodingUnknown, .headTooLarge, .targetTooLong, .badTarget, .shuttingDown, .superseded,
      .requestTimeout, .tooSlow:
      true
    default: false
    }
  }
}
