import GatewayCore
import Testing

@Suite("An upload's key")
struct UploadKeyTests {
  @Test("is minted as 32 characters that a client may show again, and never twice")
  func mint() {
    let keys = (0..<2000).map { _ in UploadKey.mint() }
    #expect(Set(keys).count == keys.count)
    for key in keys {
      #expect(key.text.utf8.count == 32)
      #expect(UploadKey(key.text) == key)
    }
    let characters = Set(keys.flatMap(\.text))
    #expect(characters.count == 64, "every character of the alphabet turns up")
  }

  @Test("has 16 to 128 characters", arguments: [(15, false), (16, true), (128, true), (129, false), (0, false)])
  func length(count: Int, isKey: Bool) {
    #expect((UploadKey(String(repeating: "a", count: count)) != nil) == isKey)
  }

  @Test(
    "has no character that means something in a path, a header or a log",
    arguments: ["/", ".", "\0", " ", "\n", "é", "%", "=", "+"])
  func alphabet(character: String) {
    #expect(UploadKey(String(repeating: "a", count: 20) + character) == nil)
  }

  @Test("shows its first eight characters alone")
  func logID() throws {
    let key = try #require(UploadKey("abcdefghSECRETSECRET"))
    #expect(key.logID == "abcdefgh")
    #expect("\(key)" == "abcdefgh")
    #expect(!String(describing: UploadFailure.storage("\(key)")).contains("SECRET"))
  }
}
