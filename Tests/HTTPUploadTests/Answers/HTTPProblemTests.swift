import Testing

@testable import HTTPUpload

@Suite("HTTPProblem")
struct HTTPProblemTests {
  private let iana = "https://iana.org/assignments/http-problem-types#"

  @Test("JSON escapes what it must, and what a page would take for its own")
  func escapes() {
    #expect(
      JSONText.string("a\"\\\n\r\t\u{1}<b>&é€😀\u{2028}").text
        == #""a\"\\\n\r\t\u0001\u003cb\u003e\u0026é€😀\u2028""#)
    let value = JSONText.object([("a", .array([.number(-1), .boolean(true)])), ("b", .object([])), ("c", .array([]))])
    #expect(value.text == #"{"a":[-1,true],"b":{},"c":[]}"#)
  }

  @Test("a wrong offset is told with both offsets")
  func wrongOffset() {
    let answer = ProblemAnswer(.wrongOffset(expected: 4, provided: 0))
    #expect(answer.status == 409)
    #expect(answer.fields.first("Content-Type") == "application/problem+json")
    #expect(answer.fields.first("X-Content-Type-Options") == "nosniff")
    #expect(answer.fields.first("Upload-Offset") == "4")
    #expect(
      answer.body
        == #"{"type":"\#(iana)mismatching-upload-offset","#
        + #""title":"Offset from request does not match offset of resource","status":409,"#
        + #""expected-offset":4,"provided-offset":0}"#)
  }

  @Test(
    "types that IANA knows are told by their URI",
    arguments: [
      (.completedUpload(gone: false), 400, "completed-upload"), (.completedUpload(gone: true), 410, "completed-upload"),
      (.inconsistentLength, 400, "inconsistent-upload-length"),
      (.digestUnsupported(algorithms: ["md5"], field: "Repr-Digest"), 400, "digest-unsupported-algorithms"),
      (.digestInvalid(algorithm: "sha-256", field: "Repr-Digest"), 400, "digest-invalid-values"),
      (.digestMismatch(algorithm: "sha-256", provided: [97], field: "Repr-Digest"), 400, "digest-mismatching-values"),
    ] as [(HTTPProblem, Int, String)])
  func types(problem: HTTPProblem, status: Int, type: String) {
    #expect(problem.status == status)
    #expect(problem.type == iana + type)
  }

  @Test("problems of digests name the algorithms and the field")
  func digests() {
    let unsupported = ProblemAnswer(.digestUnsupported(algorithms: ["md5", "sha-512"], field: "Repr-Digest"))
    #expect(
      unsupported.body.contains(
        #""unsupported-algorithms":[{"algorithm":"md5","header":"Repr-Digest"},"#
          + #"{"algorithm":"sha-512","header":"Repr-Digest"}]"#))
    #expect(unsupported.fields.first("Want-Repr-Digest") == "sha-256=10")
    let mismatch = ProblemAnswer(.digestMismatch(algorithm: "sha-256", provided: [97], field: "Content-Digest"))
    #expect(
      mismatch.body.contains(
        #""mismatching-digests":[{"algorithm":"sha-256","header":"Content-Digest","provided-digest":":YQ==:"}]"#))
    #expect(ProblemAnswer(.digestInvalid(algorithm: "sha-256", field: "Repr-Digest")).body.contains(#""reason":"#))
  }

  @Test(
    "a problem has its status and the fields that belong to that",
    arguments: [
      (.unauthorized, 401, "WWW-Authenticate", "Bearer"),
      (.methodNotAllowed(allowed: ["PUT", "POST"]), 405, "Allow", "PUT, POST"),
      (.tusVersion, 412, "Tus-Version", "1.0.0"), (.mediaType(accepted: ["a/b"]), 415, "Accept", "a/b"),
      (.contentEncoded, 415, "Accept-Encoding", "identity"), (.busy(retryAfter: .seconds(7)), 503, "Retry-After", "7"),
      (.shuttingDown, 503, "Retry-After", "5"),
    ] as [(HTTPProblem, Int, String, String)])
  func fields(problem: HTTPProblem, status: Int, name: String, value: String) {
    let answer = ProblemAnswer(problem)
    #expect(answer.status == status)
    #expect(answer.fields.first(name) == value)
  }

  @Test(
    "other problems have a status alone",
    arguments: [
      (.badTarget(.dots), 400), (.badName, 400), (.badMessage(.noHost), 400), (.superseded, 400), (.crossSite, 403),
      (.finalUpload, 403), (.completeUploadStays, 403), (.notFound, 404), (.gone, 410), (.lengthRequired, 411),
      (.tooLarge(limit: 5), 413), (.targetTooLong, 414), (.expectationUnknown, 417), (.hostIsNotOurs, 421),
      (.contentRefused(offset: 3), 422), (.headTooLarge, 431), (.checksumMismatch, 460), (.storageFailed, 500),
      (.transferCodingUnknown, 501), (.backendFailed, 502), (.backendTimeout, 504), (.quota, 507), (.storageFull, 507),
      (.notAcceptable(offered: "text/html"), 406), (.checksumUnknown, 400),
    ] as [(HTTPProblem, Int)])
  func statuses(problem: HTTPProblem, status: Int) {
    #expect(problem.status == status)
    #expect(problem.type == "about:blank")
    #expect(ProblemAnswer(problem).body.contains(#""status":\#(status)"#))
  }

  @Test("a case at hand may have members of its own")
  func moreMembers() {
    let answer = ProblemAnswer(.quota, more: [("completed", .array([.string("a<b")]))])
    #expect(answer.body.hasSuffix(#","completed":["a\u003cb"]}"#))
  }

  @Test("a connection ends with a message whose end is uncertain")
  func closes() {
    #expect(HTTPProblem.badMessage(.contentLength).closesConnection)
    #expect(HTTPProblem.superseded.closesConnection)
    #expect(!HTTPProblem.notFound.closesConnection)
  }
}
