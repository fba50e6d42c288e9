import Testing

@testable import HTTPUpload

@Suite("TusMetadata")
struct TusMetadataTests {
  @Test(
    "pairs of key and base64, where the value may be missing",
    arguments: [
      ("filename d29ybGQucGRm,is_confidential", ["filename": "world.pdf", "is_confidential": ""]), ("a ", ["a": ""]),
      ("a", ["a": ""]), ("a,b", ["a": "", "b": ""]), ("a YQ==, b Yg==", ["a": "a", "b": "b"]), ("", [:]),
      ("a.b-c_d YQ==", ["a.b-c_d": "a"]),
    ] as [(String, [String: String])])
  func good(text: String, pairs: [String: String]) throws {
    let metadata = try TusMetadata(text)
    #expect(metadata.text == text)
    let entries = metadata.entries.map { ($0.key, String(decoding: $0.value, as: UTF8.self)) }
    #expect(Dictionary(uniqueKeysWithValues: entries) == pairs)
  }

  @Test(
    "bad base64, an empty key and a doubled one are refused",
    arguments: [
      "a !!!", "a YQ", "a YR==", " YQ==", "YQ==", ",", "a,", ",a", "a YQ==,,b", "a YQ==, Yg==", "a,a", "a YQ==,a Yg==",
      "a YQ== x", "a\u{1} YQ==",
    ])
  func bad(text: String) {
    #expect(throws: HTTPProblem.badField("Upload-Metadata")) { try TusMetadata(text) }
  }

  @Test(
    "the label is the file name, else the name, else the end of the path in a folder",
    arguments: [
      ("filename Qzpcd29ybGQucGRm,name eA==", "world.pdf"), ("name eA==", "x"), ("filename,name eA==", "x"),
      ("filename Li4=,name eA==", "x"), ("filename /w==,name eA==", "x"), ("relativePath YS9iL2MudHh0", "c.txt"),
      ("other eA==", nil),
    ] as [(String, String?)])
  func labels(text: String, label: String?) throws {
    #expect(try TusMetadata(text).label == label)
  }

  @Test("a type and a path are told")
  func values() throws {
    let metadata = try TusMetadata("filetype YXBwbGljYXRpb24vanNvbg==,relativePath YS9iL2MudHh0")
    #expect(metadata.mediaType?.essence == "application/json")
    #expect(metadata.relativePath == "a/b/c.txt")
    #expect(try TusMetadata("type aW1hZ2UvcG5n").mediaType?.essence == "image/png")
  }

  @Test("several fields are one list, and none is none")
  func severalFields() throws {
    let fields: HTTPFields = ["Upload-Metadata": "a YQ==", "upload-metadata": "b"]
    #expect(try TusMetadata(of: fields)?.text == "a YQ==,b")
    #expect(try TusMetadata(of: [:]) == nil)
  }
}
