import Testing

@testable import HTTPUpload

@Suite("TusConcat and TusChecksum")
struct TusFieldTests {
  private static let key = String(repeating: "k", count: 32)
  private static let other = String(repeating: "o", count: 32)

  @Test("an upload is a part, or made of parts in order")
  func concatenations() throws {
    #expect(try TusConcat("partial") == .partial)
    let final = try TusConcat("final;/files/a  https://a/b")
    #expect(final == .final(parts: ["/files/a", "https://a/b"], text: "final;/files/a  https://a/b"))
    #expect(final.text == "final;/files/a  https://a/b")
  }

  @Test("what is neither is refused", arguments: ["final;", "final; ", "final", "both;x", "", "Partial", "partial;x"])
  func badConcatenations(text: String) {
    #expect(throws: HTTPProblem.badField("Upload-Concat")) { try TusConcat(text) }
  }

  @Test("a thousand parts are enough")
  func manyParts() throws {
    _ = try TusConcat("final;" + Array(repeating: "/a", count: 1000).joined(separator: " "))
    #expect(throws: HTTPProblem.badField("Upload-Concat")) {
      try TusConcat("final;" + Array(repeating: "/a", count: 1001).joined(separator: " "))
    }
  }

  @Test("parts are uploads of the same route, by path or by URL, and may repeat")
  func keys() throws {
    let text = "final;/files/\(Self.key) https://A.test/files/\(Self.other) /files/\(Self.key)"
    let own = try #require(Authority("a.test"))
    let keys = try TusConcat(text).keys(on: "/files", routes: ["/files", "/keep"], authorities: [own])
    #expect(keys == [Self.key, Self.other, Self.key])
  }

  @Test(
    "what is no upload of the route is refused",
    arguments: [
      "/keep/\(Self.key)", "/files/name.txt", "/files", "https://b.test/files/\(Self.key)", "files/\(Self.key)",
      "/nosuch/\(Self.key)", "*",
      "/files/../keep/\(Self.key)",
    ])
  func badKeys(url: String) throws {
    let (concat, own) = (try TusConcat("final;\(url)"), try #require(Authority("a.test")))
    #expect(throws: HTTPProblem.self) {
      try concat.keys(on: "/files", routes: ["/files", "/keep"], authorities: [own])
    }
  }

  @Test(
    "a checksum has the length of its algorithm",
    arguments: [
      ("sha1", 20), ("sha256", 32), ("sha512", 64), ("md5", 16), ("crc32", 4),
    ])
  func checksums(name: String, size: Int) throws {
    let bytes = [UInt8](repeating: 0xA5, count: size)
    let checksum = try TusChecksum("\(name) \(Base64.encode(bytes))")
    #expect(checksum.algorithm.rawValue == name)
    #expect(checksum.expected == bytes)
    for wrong in [bytes + [1], Array(bytes.dropLast())] {
      #expect(throws: HTTPProblem.badField("Upload-Checksum")) { try TusChecksum("\(name) \(Base64.encode(wrong))") }
    }
  }

  @Test("an unknown algorithm is refused, one that the route does not announce too")
  func unknownChecksums() {
    for text in ["md4 YQ==", "SHA1 YQ==", "", " sha1"] {
      #expect(throws: HTTPProblem.checksumUnknown) { try TusChecksum(text) }
    }
    #expect(throws: HTTPProblem.checksumUnknown) { try TusChecksum("crc32 AAAAAA==", known: [.sha1]) }
  }

  @Test(
    "a checksum that cannot be read is refused",
    arguments: ["sha1", "sha1 ", "crc32 !!!!", "crc32 AAAAAA== x", "crc32  AAAAAA=="])
  func badChecksums(text: String) {
    #expect(throws: HTTPProblem.badField("Upload-Checksum")) { try TusChecksum(text) }
  }

  @Test("a trailer is announced by its name")
  func trailers() {
    #expect(TusChecksum.comesLast(["Trailer": "X, upload-checksum"]))
    #expect(!TusChecksum.comesLast(["Trailer": "X"]))
    #expect(!TusChecksum.comesLast([:]))
  }
}
