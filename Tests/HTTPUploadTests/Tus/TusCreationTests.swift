import Testing

@testable import HTTPUpload

@Suite("TusCreation")
struct TusCreationTests {
  private static let stream = "application/offset+octet-stream"

  private func creation(_ fields: HTTPFields, content: Int64? = 0) throws(HTTPProblem) -> TusCreation {
    try TusCreation(fields, contentLength: content)
  }

  @Test("a length is told, or told to come later")
  func lengths() throws {
    #expect(try creation(["Upload-Length": "100"]).length == 100)
    #expect(try creation(["Upload-Length": "0"]).length == 0)
    #expect(try creation(["Upload-Defer-Length": "1"]).length == nil)
    #expect(throws: HTTPProblem.missingField("Upload-Length")) { try creation([:]) }
    #expect(throws: HTTPProblem.unexpectedField("Upload-Defer-Length")) {
      try creation(["Upload-Length": "5", "Upload-Defer-Length": "1"])
    }
  }

  @Test("a length is a whole number", arguments: ["-1", "abc", "1.0", "", "+1", "0x1", "9223372036854775808"])
  func badLengths(text: String) {
    #expect(throws: HTTPProblem.badField("Upload-Length")) { try creation(["Upload-Length": text]) }
  }

  @Test("a deferral is 1", arguments: ["2", "0", "true", "", "01"])
  func badDeferrals(text: String) {
    #expect(throws: HTTPProblem.badField("Upload-Defer-Length")) { try creation(["Upload-Defer-Length": text]) }
  }

  @Test(
    "the type of an empty content does not matter",
    arguments: [
      nil, "application/x-www-form-urlencoded", "application/octet-stream", "application/offset+octet-stream",
    ])
  func emptyContent(type: String?) throws {
    var fields: HTTPFields = ["Upload-Length": "5"]
    if let type { fields.append("Content-Type", type) }
    #expect(try !creation(fields).hasContent)
  }

  @Test("content is a stream of bytes, and not longer than the upload")
  func content() throws {
    let fields: HTTPFields = ["Upload-Length": "5", "Content-Type": Self.stream]
    #expect(try creation(fields, content: 5).hasContent)
    #expect(try creation(fields, content: nil).hasContent)
    #expect(throws: HTTPProblem.tooLarge(limit: 5)) { try creation(fields, content: 8) }
    for type in ["text/plain", "multipart/form-data; boundary=x"] {
      #expect(throws: HTTPProblem.mediaType(accepted: [Self.stream])) {
        try creation(["Upload-Length": "10", "Content-Type": type], content: 4)
      }
    }
  }

  @Test("a part has a length as others have, an upload made of parts has none")
  func concatenations() throws {
    #expect(try creation(["Upload-Concat": "partial", "Upload-Length": "5"]).concat == .partial)
    #expect(throws: HTTPProblem.missingField("Upload-Length")) { try creation(["Upload-Concat": "partial"]) }
    #expect(try creation(["Upload-Concat": "final;/a /b"]).length == nil)
    #expect(throws: HTTPProblem.unexpectedField("Upload-Length")) {
      try creation(["Upload-Concat": "final;/a /b", "Upload-Length": "5"])
    }
    #expect(throws: HTTPProblem.finalUpload) {
      try creation(["Upload-Concat": "final;/a", "Content-Type": Self.stream], content: 5)
    }
  }

  @Test("metadata and a checksum are read along")
  func rest() throws {
    let creation = try creation(
      ["Upload-Length": "5", "Upload-Metadata": "a", "Upload-Checksum": "crc32 AAAAAA==", "Content-Type": Self.stream],
      content: 5)
    #expect(creation.metadata?.text == "a")
    #expect(creation.checksum?.algorithm == .crc32)
  }
}
