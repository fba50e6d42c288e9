import Testing

@testable import HTTPUpload

@Suite("HTTPFields")
struct HTTPFieldsTests {
  private let fields: HTTPFields = ["Host": "a", "Trailer": "X", "host": "b", "TRAILER": "Y"]

  @Test("a name is the same whatever the case of its letters")
  func ignoresCase() {
    #expect(fields.first("hOST") == "a")
    #expect(fields.all("Host") == ["a", "b"])
    #expect(fields.count("trailer") == 2)
    #expect(fields.joined("trailer") == "X, Y")
    #expect(!fields.has("Hos"))
    #expect(fields.first("Hostt") == nil)
  }

  @Test("a field that may stand once is refused twice")
  func onlyOnce() throws {
    #expect(throws: HTTPProblem.badField("Host")) { try fields.only("Host") }
    #expect(try fields.only("Expect") == nil)
  }

  @Test("a list is filled with what it lacks")
  func fills() {
    var filled: HTTPFields = ["Upload-Offset": "1"]
    filled.fill(from: ["upload-offset": "2", "Tus-Resumable": "1.0.0"])
    #expect(filled == ["Upload-Offset": "1", "Tus-Resumable": "1.0.0"])
  }

  @Test("fields keep their order and their case")
  func keepsOrder() {
    #expect(fields.pairs.map(\.name) == ["Host", "Trailer", "host", "TRAILER"])
  }

  @Test(
    "a whole number is digits below 2^63",
    arguments: [
      ("0", 0), ("00", 0), ("5", 5), ("9223372036854775807", Int64.max), ("-1", nil), ("+0", nil), ("0x0", nil),
      ("1e1", nil), ("", nil), ("9223372036854775808", nil), ("5 5", nil), ("5, 5", nil), ("1.0", nil), ("abc", nil),
      ("٣", nil), (" 5", nil),
    ] as [(String, Int64?)])
  func wholeNumbers(text: String, number: Int64?) {
    #expect(WholeNumber.parse(text) == number)
  }

  @Test(
    "base64 is padded and has no bits too many",
    arguments: [
      ("", []), ("YQ==", [97]), ("YWI=", [97, 98]), ("YWJj", [97, 98, 99]), ("+/+/", [0xFB, 0xFF, 0xBF]),
      ("YQ", nil), ("YQ=", nil), ("YR==", nil), ("!!!", nil), ("Y===", nil), ("Y Q=", nil), ("-_-_", nil),
      ("YQ==YQ==", nil),
    ] as [(String, [UInt8]?)])
  func base64(text: String, bytes: [UInt8]?) {
    #expect(Base64.decode(text) == bytes)
    if let bytes { #expect(Base64.encode(bytes) == text) }
  }

  @Test("structured fields take base64 without padding")
  func lenientBase64() {
    #expect(Base64.decode("YQ", .lenient) == [97])
    #expect(Base64.decode("YR==", .lenient) == [97])
    #expect(Base64.decode("Y", .lenient) == nil)
  }

  @Test(
    "a label is the last component of a path without unfit characters",
    arguments: [
      ("b.txt", "b.txt"), ("C:\\a\\b.txt", "b.txt"), ("/a/b.txt", "b.txt"), ("a/b/", "b"), ("..", nil), (".", nil),
      ("", nil), ("/", nil), ("a\u{0}b\n\u{7F}\u{85}\u{2028}c", "abc"), ("naïve €.txt", "naïve €.txt"),
      ("\u{1}", nil), ("..\\..\\..", nil),
    ] as [(String, String?)])
  func labels(path: String, label: String?) {
    #expect(FileLabel.fitting(path) == label)
  }

  @Test("a label is cut between characters of UTF-8, at 255 bytes")
  func cutLabels() {
    let label = FileLabel.fitting(String(repeating: "€", count: 100))
    #expect(label == String(repeating: "€", count: 85))
    #expect(FileLabel.fitting(String(repeating: "a", count: 300)) == String(repeating: "a", count: 255))
  }

  @Test(
    "dates are those of HTTP",
    arguments: [
      (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
      (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
      (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
      (-5, "Thu, 01 Jan 1970 00:00:00 GMT"), (.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] as [(Int64, String)])
  func dates(seconds: Int64, text: String) {
    #expect(HTTPDate.text(secondsSince1970: seconds) == text)
  }

  @Test("a wait is told in whole seconds and is never none")
  func waits() {
    #expect(HTTPDate.retryAfter(.zero) == "1")
    #expect(HTTPDate.retryAfter(.milliseconds(1001)) == "2")
    #expect(HTTPDate.retryAfter(.seconds(30)) == "30")
  }
}
