import Testing

@testable import HTTPUpload

@Suite("DigestFields")
struct DigestFieldsTests {
  private let digest = [UInt8](repeating: 7, count: 32)

  private func fields(_ text: String) -> HTTPFields { ["Repr-Digest": text] }

  @Test("a SHA-256 is found among others")
  func given() throws {
    let text = "md5=:YQ==:, \(DigestFields.value(sha256: digest)), sha-512=:\(Base64.encode(digest + digest)):"
    let given = try #require(try DigestFields(.representation, of: fields(text)))
    #expect(try given.toCheck() == digest)
    #expect(given.sha512 == digest + digest)
    #expect(given.others == ["md5"])
    #expect(try DigestFields(.content, of: fields(text)) == nil)
  }

  @Test("several fields are one dictionary")
  func severalFields() throws {
    let fields: HTTPFields = ["Content-Digest": "md5=:YQ==:", "content-digest": DigestFields.value(sha256: digest)]
    #expect(try DigestFields(.content, of: fields)?.toCheck() == digest)
  }

  @Test("content that nobody can check is refused, and the algorithms are named")
  func unsupported() throws {
    let text = "sha-512=:\(Base64.encode(digest + digest)):, md5=:YQ==:"
    let given = try #require(try DigestFields(.representation, of: fields(text)))
    #expect(throws: HTTPProblem.digestUnsupported(algorithms: ["sha-512", "md5"], field: "Repr-Digest")) {
      try given.toCheck()
    }
  }

  @Test("a digest has its algorithm's length", arguments: ["sha-256=:YQ==:", "sha-256=\"a\"", "sha-256", "sha-256=::"])
  func invalid(text: String) {
    #expect(throws: HTTPProblem.digestInvalid(algorithm: "sha-256", field: "Repr-Digest")) {
      try DigestFields(.representation, of: fields(text))
    }
  }

  @Test("a SHA-512 has 64 bytes")
  func invalidLonger() {
    #expect(throws: HTTPProblem.digestInvalid(algorithm: "sha-512", field: "Repr-Digest")) {
      try DigestFields(.representation, of: fields("sha-512=:YQ==:"))
    }
  }

  @Test(
    "a field that does not parse is refused", arguments: ["", "sha-256=YQ==", "SHA-256=:YQ==:", "sha-256=:!:", "x y"])
  func unreadable(text: String) {
    #expect(throws: HTTPProblem.badField("Repr-Digest")) { try DigestFields(.representation, of: fields(text)) }
  }

  @Test(
    "a wish is for SHA-256, against it, or none: others do not count, nor what cannot be read",
    arguments: [
      (nil, .indifferent), ("sha-256=3, sha-512=10", .wanted), ("sha-256=1", .wanted), ("sha-256=10;a=b", .wanted),
      ("sha-512=10, sha-256=0", .unwanted), ("sha-512=1", .indifferent), ("sha-256", .indifferent),
      ("nonsense=", .indifferent), ("", .indifferent), ("sha-256=11", .indifferent), ("sha-256=-1", .indifferent),
      ("sha-256=1.0", .indifferent), ("sha-256=(1)", .indifferent), ("SHA-256=1", .indifferent),
    ] as [(String?, DigestWish)])
  func wishes(text: String?, wish: DigestWish) {
    for name in DigestFields.Name.allCases {
      let fields: HTTPFields = text.map { ["Want-" + name.rawValue: $0] } ?? [:]
      #expect(DigestWish(name, of: fields) == wish)
      for other in DigestFields.Name.allCases where other != name {
        #expect(DigestWish(other, of: fields) == .indifferent)
      }
    }
  }
}
