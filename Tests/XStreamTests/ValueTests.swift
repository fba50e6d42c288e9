import Testing

@testable import XStream

@Suite("Values of headers")
struct ValueTests {
  @Test("numbers are plain decimal up to 2^63-1")
  func numbers() {
    #expect(WireNumber.parse("0") == 0)
    #expect(WireNumber.parse("9223372036854775807") == .max)
    for text in ["", "00", "01", "-0", "+1", " 1", "1 ", "9223372036854775808", "1_0", "١"] {
      #expect(WireNumber.parse(text) == nil, "\(text)")
    }
  }

  @Test("statuses have the names and the worth of section 6")
  func statuses() {
    #expect(Status.allCases.map(\.rawValue) == Array(0...17))
    #expect(Status.allCases.filter(\.isWorthRetrying).map(\.rawValue) == [7, 8, 9, 11, 12, 14, 15, 16])
    #expect(Status.unknownKey.name == "unknown-key")
    #expect(Set(Status.allCases.map(\.name)).count == 18)
  }

  @Test("a digest survives the wire whatever its bytes")
  func digests() throws {
    var random = SplitMix(seed: 1)
    for _ in 0..<200 {
      let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
      let digest = try #require(StreamDigest(bytes: bytes))
      #expect(StreamDigest(digest.description) == digest)
    }
    #expect(StreamDigest(bytes: [1]) == nil)
  }

  @Test("a name survives the wire and stays a label")
  func names() throws {
    for label in ["a", "../../etc/passwd", "café menu.txt", "100%", "日本 \u{1F600}"] {
      let name = try #require(StreamName(label: label))
      #expect(StreamName(encoded: name.description)?.label == label)
    }
    #expect(StreamName(encoded: "caf\u{E9} b")?.label == "café b")
    for text in ["%", "%4", "%0", "%00", "%0d", "%C2%85", "%E2%80%A8", "%C0%AF", "%+1"] {
      #expect(StreamName(encoded: text) == nil, "\(text)")
    }
  }

  @Test("a trace of another shape is none")
  func traces() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    #expect(TraceParent(good)?.text == good)
    #expect(TraceParent("cc" + good.dropFirst(2) + "-more") != nil)
    for text in [
      good + "-more", "ff" + good.dropFirst(2), good.uppercased(), String(good.dropLast()),
      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "", "----",
    ] {
      #expect(TraceParent(text) == nil, "\(text)")
    }
  }

  @Test("credentials of another scheme are wrong ones, not malformed ones")
  func credentials() {
    #expect(Authorization("bearer  abc=") == .bearer("abc="))
    #expect(Authorization("Basic YTpi") == .unsupported)
    for text in ["Bearer", "Bearer =", "Bearer a=b", "Bearer a b", "Bearer é"] {
      #expect(Authorization(text) == nil, "\(text)")
    }
  }
}
