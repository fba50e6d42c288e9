import Testing

@testable import HTTPUpload

@Suite("CrossSiteCheck")
struct CrossSiteCheckTests {
  private static let own = "https://gateway.test"
  private let listed = CrossSiteCheck(origins: ["https://App.test"])

  @Test(
    "what would change something comes from here, from the list, or from no page",
    arguments: ["PUT", "POST", "PATCH", "DELETE"],
    [
      ([:], true), (["Origin": Self.own], true), (["Origin": "https://evil.test"], false), (["Origin": "null"], false),
      (["Origin": "https://app.test"], true), (["Origin": "http://gateway.test"], false),
      (["Origin": "https://gateway.test:8443"], false),
      (["Sec-Fetch-Site": "same-origin", "Origin": Self.own], true), (["Sec-Fetch-Site": "none"], true),
      (["Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"], false),
      (["Sec-Fetch-Site": "cross-site", "Origin": "https://app.test"], true),
      (["Sec-Fetch-Site": "same-site", "Origin": "https://other.gateway.test"], false),
      (["Sec-Fetch-Site": "cross-site"], false),
    ] as [(HTTPFields, Bool)])
  func unsafeMethods(method: String, row: (fields: HTTPFields, isAllowed: Bool)) throws {
    if row.isAllowed {
      _ = try listed.check(method: method, fields: row.fields, own: Self.own)
    } else {
      #expect(throws: HTTPProblem.crossSite) { try listed.check(method: method, fields: row.fields, own: Self.own) }
    }
  }

  @Test("a foreign page may ask, but it reads nothing", arguments: ["GET", "HEAD", "OPTIONS"])
  func safeMethods(method: String) throws {
    let fields = try listed.check(
      method: method, fields: ["Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"], own: Self.own)
    #expect(fields == ["Vary": "Origin"])
  }

  @Test("without a list there is no CORS")
  func off() throws {
    let off = CrossSiteCheck()
    #expect(try off.check(method: "HEAD", fields: ["Origin": "https://app.test"], own: Self.own) == [:])
    #expect(off.preflight(["Origin": "https://app.test"], methods: ["PUT"]) == [:])
  }

  @Test("a listed origin may read the fields of uploads")
  func exposed() throws {
    let fields = try listed.check(method: "PATCH", fields: ["Origin": "https://app.test"], own: Self.own)
    #expect(fields.first("Access-Control-Allow-Origin") == "https://app.test")
    #expect(fields.first("Vary") == "Origin")
    let exposed = try #require(fields.first("Access-Control-Expose-Headers"))
    for name in ["Location", "Upload-Offset", "Tus-Resumable", "Upload-Limit", "Repr-Digest", "Retry-After"] {
      #expect(exposed.contains(name))
    }
    #expect(!fields.has("Access-Control-Allow-Credentials"))
  }

  @Test("a preflight from the list is allowed, another gets nothing")
  func preflights() {
    let question: HTTPFields = ["Origin": "https://app.test", "Access-Control-Request-Method": "PATCH"]
    #expect(CrossSiteCheck.isPreflight(method: "OPTIONS", fields: question))
    #expect(!CrossSiteCheck.isPreflight(method: "OPTIONS", fields: ["Origin": "https://app.test"]))
    let answer = listed.preflight(question, methods: ["POST", "PATCH"])
    #expect(answer.first("Access-Control-Allow-Methods") == "POST, PATCH")
    #expect(answer.first("Access-Control-Allow-Headers")?.contains("Tus-Resumable") == true)
    #expect(answer.first("Access-Control-Max-Age") == "7200")
    #expect(listed.preflight(["Origin": "https://evil.test"], methods: ["POST"]) == ["Vary": "Origin"])
  }

  @Test("every origin may be listed, but then no credentials, and not the origin of no page")
  func everyOrigin() throws {
    let all = CrossSiteCheck(origins: ["*"], credentials: true)
    let fields = try all.check(method: "PUT", fields: ["Origin": "https://any.test"], own: Self.own)
    #expect(fields.first("Access-Control-Allow-Origin") == "https://any.test")
    #expect(!fields.has("Access-Control-Allow-Credentials"))
    #expect(throws: HTTPProblem.crossSite) { try all.check(method: "PUT", fields: ["Origin": "null"], own: Self.own) }
    let some = CrossSiteCheck(origins: ["https://app.test"], credentials: true)
    #expect(
      try some.check(method: "PUT", fields: ["Origin": "https://app.test"], own: nil)
        .first("Access-Control-Allow-Credentials") == "true")
  }
}
