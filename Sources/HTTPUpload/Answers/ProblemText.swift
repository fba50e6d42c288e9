/// What each ``HTTPProblem`` is called in an answer: status, problem type and words (RFC 9457).
extension HTTPProblem {
  /// The status of the answer.
  package var status: Int { row.status }

  /// The type's URI. `about:blank` says that there is no more to it than the status.
  package var type: String { row.type.map { "https://iana.org/assignments/http-problem-types#\($0)" } ?? "about:blank" }

  /// One line for people, the same for every occurrence.
  package var title: String { row.title }

  private var row: (status: Int, title: String, type: String?) {
    switch self {
    case .badTarget: (400, "Bad request target", nil)
    case .badName: (400, "Bad file name", nil)
    case .badMessage: (400, "Bad message", nil)
    case .badField, .missingField, .unexpectedField: (400, "Bad field", nil)
    case .badForm: (400, "Bad form", nil)
    case .superseded: (400, "Superseded", nil)
    case .inconsistentLength: (400, "Inconsistent length values for upload", "inconsistent-upload-length")
    case .completedUpload(let gone): (gone ? 410 : 400, "Upload is already completed", "completed-upload")
    case .digestUnsupported: (400, "Unsupported hashing algorithms", "digest-unsupported-algorithms")
    case .digestInvalid: (400, "Invalid digest values", "digest-invalid-values")
    case .digestMismatch: (400, "Mismatching digest values", "digest-mismatching-values")
    case .checksumUnknown: (400, "Unknown checksum algorithm", nil)
    case .unauthorized: (401, "Unauthorized", nil)
    case .crossSite, .forbidden, .finalUpload, .completeUploadStays: (403, "Forbidden", nil)
    case .notFound: (404, "Not found", nil)
    case .methodNotAllowed: (405, "Method not allowed", nil)
    case .notAcceptable: (406, "Not acceptable", nil)
    case .requestTimeout, .tooSlow: (408, "Request timeout", nil)
    case .wrongOffset: (409, "Offset from request does not match offset of resource", "mismatching-upload-offset")
    case .gone: (410, "Gone", nil)
    case .lengthRequired: (411, "Length required", nil)
    case .tusVersion: (412, "Unknown version of tus", nil)
    case .tooLarge: (413, "Content too large", nil)
    case .targetTooLong: (414, "URI too long", nil)
    case .mediaType: (415, "Unsupported media type", nil)
    case .contentEncoded: (415, "Unsupported content coding", nil)
    case .expectationUnknown: (417, "Expectation failed", nil)
    case .hostIsNotOurs: (421, "Misdirected request", nil)
    case .contentRefused: (422, "Unprocessable content", nil)
    case .headTooLarge: (431, "Request header fields too large", nil)
    case .checksumMismatch: (460, "Checksum mismatch", nil)
    case .storageFailed: (500, "Internal server error", nil)
    case .transferCodingUnknown, .methodUnknown: (501, "Not implemented", nil)
    case .backendFailed: (502, "Bad gateway", nil)
    case .busy, .shuttingDown: (503, "Service unavailable", nil)
    case .backendTimeout: (504, "Gateway timeout", nil)
    case .quota, .storageFull: (507, "Insufficient storage", nil)
    }
  }

  /// What is particular to this occurrence, in words.
  package var detail: String? {
    switch self {
    case .badTarget(let fault): fault.rawValue
    case .badName: "a name has no slash and no control character, and at most 255 bytes of UTF-8"
    case .badMessage(let fault): fault.rawValue
    case .badForm(let fault): fault.rawValue
    case .badField(let name): "\(name) cannot be read"
    case .missingField(let name): "\(name) is missing"
    case .unexpectedField(let name): "\(name) has no place in this request"
    case .superseded: "another request went on with this upload"
    case .crossSite: "the request comes from a page of another origin"
    case .finalUpload: "an upload made of others takes no bytes"
    case .completeUploadStays: "what is complete stays on this route"
    case .notAcceptable(let offered): "there is only \(offered)"
    case .tusVersion: "this is tus 1.0.0"
    case .contentEncoded: "content is taken as it is, without a coding"
    case .digestInvalid(let algorithm, _): "the value is no \(algorithm) digest"
    case .quota: "the route or the client holds too much"
    case .storageFull: "the store is full"
    case .shuttingDown: "the gateway is shutting down"
    case .tooSlow(let words): words
    default: nil
    }
  }
}
