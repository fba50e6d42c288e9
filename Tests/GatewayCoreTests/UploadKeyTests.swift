import GatewayCore
import Testing

@Suite("An upload's key")
struct UploadKeyTests {
  @Test("is minted as 32 characters that a client may show again, and never twice")
  func mint() {
    let keys = (0..<2000).map { UploadKey.mint(at: WallTime(milliseconds: 1_790_000_000_000 + 40 * Int64($0))) }
    #expect(Set(keys).count == keys.count)
    for key in keys {
      #expect(key.text.utf8.count == 32)
      #expect(UploadKey(key.text) == key)
    }
    let characters = Set(keys.flatMap(\.text))
    #expect(characters.count == 64, "every character of the alphabet turns up")
  }

  @Test("begins as those that were minted in the same second, and with a letter or a digit whatever the time")
  func order() {
    for second in [0, 1, 62 << 18, 63 << 18, 0xff_ffff, 1_790_000_000] as [Int64] {
      let (one, other) = (
        UploadKey.mint(at: .init(milliseconds: second * 1000)),
        UploadKey.mint(at: .init(milliseconds: second * 1000 + 999))
      )
      #expect(one.text.prefix(4) == other.text.prefix(4))
      #expect(one.text.first?.isLetter == true || one.text.first?.isNumber == true)
    }
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

  @Test("shows its first twelve characters alone")
  func logID() throws {
    let key = try #require(UploadKey("abcdefghijklSECRETSECRET"))
    #expect(key.logID == "abcdefghijkl")
    #expect("\(key)" == "abcdefghijkl")
    #expect(!String(describing: UploadFailure.storage("\(key)")).contains("SECRET"))
  }
}
