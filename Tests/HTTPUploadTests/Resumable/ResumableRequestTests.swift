import Testing

@testable import HTTPUpload

@Suite("ResumableRequest")
struct ResumableRequestTests {
  private func request(
    _ number: Int64?, _ fields: HTTPFields, content: Int64? = nil
  ) -> ResumableRequest {
    ResumableRequest(ResumableVersion(number: number), fields: fields, contentLength: content)
  }

  private func append(
    _ number: Int64?, _ more: HTTPFields, content: Int64? = nil, type: String? = "application/partial-upload"
  ) throws(HTTPProblem) -> ResumableRequest.Append {
    var fields = more
    if let type { fields.append("Content-Type", type) }
    return try request(number, fields, content: content).append()
  }

  @Test(
    "a part is never taken for the whole, whatever the version and the field",
    arguments: [3, 4, 5, 6, 7, 8, 9, 10, 99, nil] as [Int64?],
    [["Upload-Complete": "?0"], ["Upload-Incomplete": "?1"]] as [HTTPFields])
  func parts(number: Int64?, fields: HTTPFields) throws {
    #expect(try request(number, fields, content: 4).creation() == .init(isLast: false, total: nil))
  }

  @Test("the version's own field counts first")
  func bothFields() throws {
    let both: HTTPFields = ["Upload-Complete": "?1", "Upload-Incomplete": "?1"]
    #expect(try !request(3, both).creation().isLast)
    #expect(try request(4, both).creation().isLast)
  }

  @Test("a creation without a completeness is a whole file, one that cannot be read is refused")
  func silentCreations() throws {
    #expect(try request(6, [:], content: 5).creation() == .init(isLast: true, total: 5))
    for text in ["0", "true", "?2", ""] {
      #expect(throws: HTTPProblem.badField("Upload-Complete")) { try request(6, ["Upload-Complete": text]).creation() }
    }
    #expect(throws: HTTPProblem.badField("Upload-Complete")) {
      try request(6, ["Upload-Complete": "?1", "upload-complete": "?1"]).creation()
    }
  }

  @Test("a creation that joins uploads of tus is refused: it would be an empty upload")
  func joiningCreations() throws {
    #expect(throws: HTTPProblem.unexpectedField("Upload-Concat")) {
      try request(6, ["Upload-Complete": "?1", "Upload-Concat": "final;/a /b"]).creation()
    }
  }

  @Test(
    "the length of the content and the length told have to agree",
    arguments: [
      ("?1", 10, 10, 10), ("?1", 9, 10, nil), ("?1", 11, 10, nil), ("?0", 10, 10, 10), ("?0", 11, 10, 11),
      ("?0", 9, 10, nil),
    ] as [(String, Int64, Int64, Int64?)])
  func lengths(complete: String, length: Int64, content: Int64, total: Int64?) throws {
    let fields: HTTPFields = ["Upload-Complete": complete, "Upload-Length": "\(length)"]
    for number: Int64 in 6...10 {
      if let total {
        #expect(try request(number, fields, content: content).creation().total == total)
      } else {
        #expect(throws: HTTPProblem.inconsistentLength) { try request(number, fields, content: content).creation() }
      }
    }
    #expect(try request(5, fields, content: content).creation().total == (complete == "?1" ? content : nil))
  }

  @Test("an append needs its offset", arguments: 3...10 as ClosedRange<Int64>)
  func offsets(number: Int64) throws {
    #expect(throws: HTTPProblem.missingField("Upload-Offset")) { try append(number, ["Upload-Complete": "?0"]) }
    for text in ["-1", "x", "", "1e1", "1000000000000000"] {
      #expect(throws: HTTPProblem.badField("Upload-Offset")) {
        try append(number, ["Upload-Offset": text, "Upload-Complete": "?0"])
      }
    }
    let good = try append(number, ["Upload-Offset": "5", "Upload-Complete": "?1"], content: 4)
    #expect(good == .init(offset: 5, isLast: true, total: 9, contentLength: 4))
  }

  @Test("from 6 on an append has its media type", arguments: 3...10 as ClosedRange<Int64>)
  func mediaTypes(number: Int64) throws {
    let fields: HTTPFields = ["Upload-Offset": "0", "Upload-Complete": "?1"]
    for type in [nil, "application/octet-stream", "application/offset+octet-stream"] {
      if number < 6 {
        _ = try append(number, fields, type: type)
      } else {
        #expect(throws: HTTPProblem.mediaType(accepted: ["application/partial-upload"])) {
          try append(number, fields, type: type)
        }
      }
    }
  }

  @Test(
    "an append without a completeness is the last until 6, a mistake from 7 on", arguments: 3...10 as ClosedRange<Int64>
  )
  func silentAppends(number: Int64) throws {
    if number < 7 {
      #expect(try append(number, ["Upload-Offset": "0"]).isLast)
    } else {
      #expect(throws: HTTPProblem.missingField("Upload-Complete")) { try append(number, ["Upload-Offset": "0"]) }
    }
  }

  @Test("an append does not end beyond the length that it tells")
  func appendLengths() throws {
    let fields: HTTPFields = ["Upload-Offset": "5", "Upload-Complete": "?0", "Upload-Length": "8"]
    #expect(try append(8, fields, content: 3).total == 8)
    #expect(throws: HTTPProblem.inconsistentLength) { try append(8, fields, content: 4) }
    #expect(throws: HTTPProblem.inconsistentLength) {
      try append(8, ["Upload-Offset": "9", "Upload-Complete": "?0", "Upload-Length": "8"])
    }
    #expect(throws: HTTPProblem.inconsistentLength) {
      try append(8, ["Upload-Offset": "999999999999999", "Upload-Complete": "?1"], content: .max)
    }
  }

  @Test(
    "until 6 a question with an append's fields is refused",
    arguments: 3...10 as ClosedRange<Int64>, ["Upload-Offset", "Upload-Complete", "Upload-Incomplete"])
  func strayFields(number: Int64, name: String) throws {
    let question = request(number, [name: name == "Upload-Offset" ? "0" : "?1"])
    if number < 7 {
      #expect(throws: HTTPProblem.unexpectedField(name)) { try question.checkForStrayFields() }
    } else {
      try question.checkForStrayFields()
    }
    try request(number, [:]).checkForStrayFields()
  }
}
