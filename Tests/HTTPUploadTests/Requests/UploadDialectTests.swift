import Testing

@testable import HTTPUpload

@Suite("UploadDialect")
struct UploadDialectTests {
  @Test(
    "the fields choose the dialect",
    arguments: [
      ([:], .plain), (["Content-Type": "application/octet-stream"], .plain),
      (["Content-Type": "multipart/form-data; boundary=x"], .form), (["Tus-Resumable": "1.0.0"], .tus),
      (["Tus-Resumable": "1.0.0", "Upload-Complete": "?1"], .tus),
      (["Tus-Resumable": "1.0.0", "Content-Type": "multipart/form-data; boundary=x"], .tus),
      (["Upload-Complete": "?1"], .newest), (["Upload-Complete": "nonsense"], .newest),
      (["Upload-Incomplete": "?1"], .newest), (["Content-Type": "Application/Partial-Upload"], .newest),
      (["Upload-Draft-Interop-Version": "6"], .resumable(ResumableVersion(number: 6))),
      (["Upload-Draft-Interop-Version": "99"], .newest), (["Upload-Draft-Interop-Version": "x"], .newest),
      (
        ["Upload-Complete": "?0", "Upload-Metadata": "a", "Upload-Draft-Interop-Version": "5"],
        .resumable(ResumableVersion(number: 5))
      ),
    ] as [(HTTPFields, UploadDialect)])
  func chooses(fields: HTTPFields, dialect: UploadDialect) throws {
    #expect(try UploadDialect.choose(method: "POST", fields: fields) == dialect)
  }

  @Test(
    "tus without its version, or with another, is a failed precondition",
    arguments: [
      ["Upload-Length": "5"], ["Upload-Defer-Length": "1"], ["Upload-Metadata": "a"], ["Upload-Concat": "partial"],
      ["Upload-Checksum": "sha1 x"], ["Content-Type": "application/offset+octet-stream"], ["Tus-Resumable": "0.2.2"],
      ["Tus-Resumable": "9.9", "Upload-Length": "5"], ["Tus-Resumable": "1.0.0", "tus-resumable": "1.0.0"],
    ] as [HTTPFields])
  func refusesVersions(fields: HTTPFields) throws {
    #expect(throws: HTTPProblem.tusVersion) { try UploadDialect.choose(method: "POST", fields: fields) }
    #expect(try UploadDialect.choose(method: "OPTIONS", fields: fields) == .plain)
  }

  @Test("POST may mean another method, and no other method may")
  func methodOverride() {
    #expect(UploadDialect.method("POST", fields: ["X-HTTP-Method-Override": "PATCH"]) == "PATCH")
    #expect(UploadDialect.method("POST", fields: ["X-HTTP-Method-Override": "delete"]) == "DELETE")
    #expect(UploadDialect.method("POST", fields: ["X-HTTP-Method-Override": "CONNECT"]) == "POST")
    #expect(UploadDialect.method("GET", fields: ["X-HTTP-Method-Override": "DELETE"]) == "GET")
    #expect(UploadDialect.method("POST", fields: [:]) == "POST")
  }

  @Test(
    "a media type chooses the format where the route takes it",
    arguments: [
      ("application/json", ["bytes", "json"], "json"), ("Application/JSON;charset=utf-8", ["json"], "json"),
      ("text/plain; charset=\"UTF-8\"", ["text", "bytes"], "text"), ("text/plain", ["text", "bytes"], "bytes"),
      ("text/plain; charset=latin1", ["text", "bytes"], "bytes"), ("image/png", ["bytes"], "bytes"),
      ("application/json", ["bytes"], "bytes"), ("image/png", ["json"], "json"), (nil, ["json"], "json"),
      (nil, ["json", "text"], nil), ("nonsense", ["bytes", "json"], "bytes"), ("image/png", ["json", "text"], nil),
    ] as [(String?, [String], String?)])
  func formats(type: String?, taken: [String], format: String?) {
    #expect(MediaType.format(type.flatMap { MediaType($0) }, takenBy: taken) == format)
  }

  @Test("a media type has parameters, some in quotes")
  func mediaTypes() {
    #expect(MediaType("multipart/form-data; boundary=\"a \\\"b\"; x=y;")?.parameter("boundary") == "a \"b")
    #expect(
      MediaType("multipart/form-data;Boundary=----WebKitFormBoundaryX")?.parameter("boundary")
        == "----WebKitFormBoundaryX")
    #expect(MediaType("text") == nil)
    #expect(MediaType("text/") == nil)
    #expect(MediaType("a/b c") == nil)
    #expect((["Content-Type": "a/b", "content-type": "a/c"] as HTTPFields).contentType == nil)
  }
}

extension UploadDialect {
  fileprivate static var newest: UploadDialect { .resumable(ResumableVersion(number: nil)) }
}
