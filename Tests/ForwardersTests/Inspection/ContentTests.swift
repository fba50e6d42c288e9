@testable import Forwarders
import GatewayCore
import NIOCore
import Testing

@Suite("Content that is checked while it arrives")
struct ContentTests {
  /// Feeds `pieces` and says what was wrong.
  private func fault(_ inspector: any ContentInspector, _ pieces: [[UInt8]]) -> ContentFault? {
    do throws(ContentFault) {
      for piece in pieces {
        try ByteBuffer(bytes: piece).withUnsafeReadableBytes { bytes throws(ContentFault) in
          try inspector.inspect(bytes)
        }
      }
      try inspector.finish()
      return nil
    } catch {
      return error
    }
  }

  /// The same at every place where it can be cut, and byte by byte.
  private func check(_ bytes: [UInt8], _ expected: Int64?, _ make: () -> any ContentInspector) {
    for cut in 0...bytes.count {
      let found = fault(make(), [Array(bytes[..<cut]), Array(bytes[cut...])])
      #expect(found?.offset == expected, "cut at \(cut): \(found?.reason ?? "taken")")
    }
    #expect(fault(make(), bytes.map { [$0] })?.offset == expected)
  }

  static let goodJSON = [
    "0", "-0", " 1 ", "-1.5e+10", "1E400", "1e-2", "0.1", "\"\"", "true", "false", "null", "\t\r\n[] \n", "{}",
    "[[],{}]",
    "{\"a\":1}", "{ \"a\" : [ 1 , 2.0 , \"x\" ] , \"b\" : { } }", "{\"a\":1,\"a\":2}", "{\"\":0}", "[1,2]",
    "\"\\u0041\\ud800\\n\\/\\\\\\\"\"", "\"ä€😀\"", "[\"\u{7F}\"]", "[true,false,null]", "[0]", "{\"a\":-0}", "[1e1]",
    "\"a/b\"", "12345678901234567890123456789",
  ]

  @Test("takes every form of JSON that there is", arguments: goodJSON)
  func takesJSON(_ text: String) {
    check(Array(text.utf8), nil) { JSONInspector() }
  }

  static let badJSON: [(String, Int64)] = [
    ("", 0), (" ", 1), ("01", 1), ("-", 1), ("-a", 1), ("1.", 2), ("1.e1", 2), (".5", 0), ("1e", 2), ("1e+", 3),
    ("+1", 0), ("1 2", 2), ("[", 1), ("[1", 2), ("[1,", 3), ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3), ("]", 0), ("[}", 1),
    ("{]", 1), ("{", 1), ("{\"a\"}", 4), ("{\"a\":}", 5), ("{\"a\":1,}", 7), ("{a:1}", 1), ("{1:1}", 1), ("{,}", 1),
    ("{\"a\" 1}", 5), ("{\"a\":1]", 6), ("[1}", 2), ("tru", 3), ("trua", 3), ("truee", 4), ("nul", 3), ("True", 0),
    ("NaN", 0), ("\"", 1), ("\"a", 2), ("\"\\x\"", 2), ("\"\\u12g4\"", 5), ("\"\\u12\"", 5), ("\"\n\"", 1),
    ("\"\u{0}\"", 1), ("'a'", 0), ("[1]]", 3), ("{}{}", 2), ("// x", 0), ("\u{FEFF}1", 0), ("0x1", 1), ("1a", 1),
    ("[\"a\",\"b\"", 8), ("{\"a\":\"b", 7), ("\u{A0}1", 0), ("1\u{C}", 1),
  ]

  @Test("says where JSON cannot go on", arguments: badJSON)
  func refusesJSON(_ text: String, at offset: Int64) {
    check(Array(text.utf8), offset) { JSONInspector() }
  }

  @Test("takes JSON only as UTF-8")
  func refusesJSONEncodings() {
    check([0x22, 0xFF, 0x22], 1) { JSONInspector() }
    check([0x22, 0xC3, 0x22], 2) { JSONInspector() }
    check([0x22, 0xED, 0xA0, 0x80, 0x22], 2) { JSONInspector() }
    check([0xFF, 0xFE, 0x31, 0x00], 0) { JSONInspector() }
  }

  @Test("takes 512 arrays within each other, and not one more")
  func depth() {
    for opening in ["[", "{\"a\":"] {
      let closing = opening == "[" ? "]" : "}"
      let middle = opening == "[" ? "" : "1"
      let fits =
        String(repeating: opening, count: 512) + middle + String(repeating: closing, count: 512)
      #expect(fault(JSONInspector(), [Array(fits.utf8)]) == nil)
      let tooDeep = String(repeating: opening, count: 513)
      #expect(fault(JSONInspector(), [Array(tooDeep.utf8)])?.offset == Int64(512 * opening.utf8.count))
    }
  }

  static let goodText: [[UInt8]] = [
    [], Array("plain".utf8), Array("äöü€😀 a much longer line of plain text, and then: ß".utf8), [0x00],
    [0xEF, 0xBB, 0xBF],
    [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBF],
    [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
  ]

  @Test("takes every shortest form of UTF-8", arguments: goodText)
  func takesText(_ bytes: [UInt8]) {
    check(bytes, nil) { UTF8Inspector() }
  }

  static let badText: [([UInt8], Int64)] = [
    ([0x80], 0), ([0x41, 0xBF], 1), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xC2], 1), ([0xC2, 0x41], 1),
    ([0xE0, 0x9F, 0xBF], 1), ([0xE1, 0x80], 2), ([0xED, 0xA0, 0x80], 1), ([0xF0, 0x8F, 0xBF, 0xBF], 1),
    ([0xF4, 0x90, 0x80, 0x80], 1), ([0xF5, 0x80, 0x80, 0x80], 0), ([0xFF], 0), ([0xF1, 0x80, 0x80], 3),
    (Array("0123456789abcdef".utf8) + [0xFE], 16), ([0xE2, 0x82, 0xAC, 0xAC], 3),
  ]

  @Test("says where UTF-8 cannot go on", arguments: badText)
  func refusesText(_ bytes: [UInt8], at offset: Int64) {
    check(bytes, offset) { UTF8Inspector() }
  }

  @Test("agrees with the standard library on random bytes")
  func randomText() {
    for seed in 1...300 {
      // Mostly first and continuation bytes, so that many are nearly right.
      let bytes = pattern(12, seed: UInt64(seed)).map { $0 < 0x60 ? $0 : $0 | 0x80 }
      #expect((fault(UTF8Inspector(), [bytes]) == nil) == (String(validating: bytes, as: UTF8.self) != nil))
    }
  }

  @Test(
    "fails the upload, also where it was resumed, in a plain store and in a gzip one", .timeLimit(.minutes(1)),
    arguments: [nil, 6], [false, true])
  func sinkFails(level: Int?, resumed: Bool) async throws {
    let place = try DirectoryPlace {
      $0.engine = level.map { .zlib(level: $0) }
      $0.checksContent = true
    }
    let text = Array("{\"a\": [1, 2, 3], \"b\": oops}".utf8)
    let upload = SinkUpload(key: .mint(), total: nil, format: .json)
    var offset = 0
    if resumed {
      // What came before the cut was faultless, and is looked at again from the disk.
      let first = try await SinkDriver.open(place.store, upload)
      try await first.write(Array(text[..<10]))
      #expect(try await first.suspend() == 10)
      offset = 10
    }
    let sink = try await SinkDriver.open(place.store, upload, from: Int64(offset))
    try await sink.write(Array(text[offset...]))
    guard case .content(let fault) = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(fault.offset == 22)
    try await sink.call { $0.abandon() }
    try await eventually { !place.holdsUnfinished(upload.key) }
  }

  @Test("is found incomplete at the end", .timeLimit(.minutes(1)))
  func incomplete() async throws {
    let place = try DirectoryPlace { $0.checksContent = true }
    let upload = SinkUpload(key: .mint(), total: nil, format: .text)
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(Array("ab€".utf8.dropLast()))
    try await sink.call { $0.finish() }
    guard case .content(let fault) = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(fault.offset == 4)
    #expect(place.visibleNames == [])
  }
}
