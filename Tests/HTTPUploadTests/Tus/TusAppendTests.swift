import Testing

@testable import HTTPUpload

@Suite("TusAppend")
struct TusAppendTests {
  private func append(
    _ offset: String? = "0", _ more: HTTPFields = [:], content: Int64? = nil,
    type: String? = "application/offset+octet-stream"
  ) throws(HTTPProblem) -> TusAppend {
    var fields = more
    if let offset { fields.append("Upload-Offset", offset) }
    if let type { fields.append("Content-Type", type) }
    return try TusAppend(fields, contentLength: content)
  }

  @Test("an append is a stream of bytes", arguments: [nil, "text/plain", "application/partial-upload"])
  func mediaTypes(type: String?) {
    #expect(throws: HTTPProblem.mediaType(accepted: ["application/offset+octet-stream"])) { try append(type: type) }
  }

  @Test(
    "an offset is a whole number",
    arguments: ["-1", "+0", "0x0", "1e1", "", "9223372036854775808"])
  func badOffsets(text: String) {
    #expect(throws: HTTPProblem.badField("Upload-Offset")) { try append(text) }
  }

  @Test("an offset is there, once")
  func offsets() throws {
    #expect(throws: HTTPProblem.missingField("Upload-Offset")) { try append(nil) }
    #expect(throws: HTTPProblem.badField("Upload-Offset")) { try append("0", ["upload-offset": "0"]) }
    #expect(try append("00").offset == 0)
  }

  @Test(
    "an append begins at the offset and stays within the length",
    arguments: [
      (4, 6, nil, nil), (4, 0, nil, nil), (4, nil, nil, nil), (4, 6, 10, nil),
      (3, 1, nil, .wrongOffset(expected: 4, provided: 3)), (5, 0, nil, .wrongOffset(expected: 4, provided: 5)),
      (4, 7, nil, .tooLarge(limit: 10)), (4, 1, 11, .badField("Upload-Length")),
      (4, .max, nil, .tooLarge(limit: 10)),
    ] as [(Int64, Int64?, Int64?, HTTPProblem?)])
  func checks(offset: Int64, content: Int64?, length: Int64?, problem: HTTPProblem?) throws {
    let append = try append("\(offset)", length.map { ["Upload-Length": "\($0)"] } ?? [:], content: content)
    let state = TusState(offset: 4, length: 10)
    if let problem {
      #expect(throws: problem) { try append.check(state) }
    } else {
      try append.check(state)
    }
  }

  @Test("a length that comes later is taken once, and is no less than what is there")
  func deferredLength() throws {
    let state = TusState(offset: 4, length: nil)
    try append("4", ["Upload-Length": "10"], content: 6).check(state)
    try append("4", content: 6).check(state)
    #expect(throws: HTTPProblem.tooLarge(limit: 5)) { try append("4", ["Upload-Length": "5"], content: 6).check(state) }
    #expect(throws: HTTPProblem.badField("Upload-Length")) { try append("4", ["Upload-Length": "3"]).check(state) }
  }

  @Test("nobody appends to an upload made of parts")
  func finalUpload() {
    #expect(throws: HTTPProblem.finalUpload) {
      try append("0").check(TusState(offset: 0, length: 10, isFinal: true))
    }
  }

  @Test("an append with a checksum, or one to come, is tentative")
  func tentative() throws {
    #expect(try append("0", ["Upload-Checksum": "crc32 AAAAAA=="]).isTentative)
    #expect(try append("0", ["Trailer": "Upload-Checksum"]).checksumComesLast)
    #expect(try !append("0").isTentative)
    #expect(throws: HTTPProblem.checksumUnknown) {
      try TusAppend(
        [
          "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream", "Trailer": "Upload-Checksum",
        ], contentLength: 5, checksums: [])
    }
  }
}

@Suite("TusAnswer")
struct TusAnswerTests {
  @Test("OPTIONS tells only what holds")
  func options() {
    let all = TusAnswer.options(maxSize: 10_485_760, checksums: [.sha1, .crc32], concatenates: true)
    #expect(all.first("Tus-Version") == "1.0.0")
    #expect(all.first("Tus-Max-Size") == "10485760")
    #expect(all.first("Tus-Checksum-Algorithm") == "sha1,crc32")
    #expect(
      all.first("Tus-Extension")
        == "creation,creation-with-upload,creation-defer-length,expiration,termination,checksum,checksum-trailer,"
        + "concatenation,concatenation-unfinished")
    #expect(!all.has("Tus-Resumable"))
    let pipe = TusAnswer.options(maxSize: nil, checksums: [], concatenates: false)
    #expect(pipe.first("Tus-Extension")?.contains("checksum") == false)
    #expect(!pipe.has("Tus-Max-Size") && !pipe.has("Tus-Checksum-Algorithm"))
  }

  @Test("HEAD gives metadata and concatenation back as they came")
  func described() {
    let state = TusState(offset: 4, length: nil, metadata: "b,a YQ==", concat: "final;/x  /y")
    let fields = TusAnswer.described(state, expires: 0)
    #expect(
      fields == [
        "Tus-Resumable": "1.0.0", "Upload-Offset": "4", "Upload-Defer-Length": "1", "Upload-Metadata": "b,a YQ==",
        "Upload-Concat": "final;/x  /y", "Upload-Expires": "Thu, 01 Jan 1970 00:00:00 GMT", "Cache-Control": "no-store",
      ])
  }

  @Test("an upload that waits for its parts has no offset")
  func waiting() {
    let fields = TusState(offset: 0, length: 9, isFinal: true, awaitsParts: true).fields
    #expect(fields == ["Upload-Length": "9"])
    #expect(TusState(offset: 0, length: nil, isFinal: true, awaitsParts: true).fields == [:])
  }

  @Test("creations and appends have their offset")
  func offsets() {
    #expect(
      TusAnswer.created(location: "https://a/k", offset: 5, expires: nil)
        == ["Tus-Resumable": "1.0.0", "Location": "https://a/k", "Upload-Offset": "5"])
    #expect(TusAnswer.appended(offset: 5, expires: nil) == ["Tus-Resumable": "1.0.0", "Upload-Offset": "5"])
  }

  @Test("what is too large is told the bound")
  func tooLarge() {
    #expect(TusAnswer.refusal(.tooLarge(limit: 9), maxSize: 9).first("Tus-Max-Size") == "9")
    #expect(TusAnswer.refusal(.notFound, maxSize: 9) == ["Tus-Resumable": "1.0.0"])
  }
}
