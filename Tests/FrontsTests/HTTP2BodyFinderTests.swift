import NIOCore
import Testing

@testable import Fronts

/// What is a body in the bytes of an HTTP/2 connection, and what is not.
struct HTTP2BodyFinderTests {
  private static let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

  private static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
    let count = UInt32(payload.count)
    var bytes = ByteBuffer()
    bytes.writeMultipleIntegers(UInt8(count >> 16), UInt16(count & 0xFFFF), type, flags, stream)
    return Array(bytes.readableBytesView) + payload
  }

  /// What a reader of everything that is no body sees, and what the streams do.
  private struct Found: Equatable {
    var other: [UInt8] = []
    var contents: [Int: [UInt8]] = [:]
    var ended: Set<Int> = []
    var lengths: [Int] = []
  }

  /// - Parameter cuts: where the bytes are cut into reads.
  private func find(_ bytes: [UInt8], cuts: [Int] = [], taking streams: Set<Int>) -> Found {
    var finder = HTTP2BodyFinder()
    var found = Found()
    var current: HTTP2BodyFinder.Frame?
    var start = 0
    for end in cuts + [bytes.count] {
      var input = ByteBuffer(bytes: bytes[start..<end])
      start = end
      while let part = finder.next(&input) {
        switch part {
        case .other(let bytes): found.other += bytes.readableBytesView
        case .frame(let frame):
          found.lengths.append(frame.length)
          let isTaken = streams.contains(frame.stream)
          current = isTaken ? frame : nil
          if let head = finder.begin(taking: isTaken) { found.other += head.readableBytesView }
        case .content(let bytes, let endsFrame):
          guard let current else { continue }
          found.contents[current.stream, default: []] += bytes.readableBytesView
          if endsFrame, current.endsStream { found.ended.insert(current.stream) }
        }
      }
      #expect(input.readableBytes == 0)
    }
    return found
  }

  @Test("bodies of streams that are taken are told apart from everything else, wherever reads are cut")
  func everyCut() {
    let settings = Self.frame(4, 0, 0, [])
    let head = Self.frame(1, 4, 1, [0x83, 0x87])
    let untaken = Self.frame(0, 0, 5, Array("untaken".utf8))
    let bytes =
      Array(Self.preface.utf8) + settings + head + Self.frame(0, 0, 1, Array("hello ".utf8)) + untaken
      + Self.frame(0, 0, 3, Array("other".utf8)) + Self.frame(0, 8, 1, [3] + Array("wor".utf8) + [0, 0, 0])
      + Self.frame(8, 0, 0, [0, 0, 1, 0]) + Self.frame(0, 0, 1, []) + Self.frame(0, 1, 1, Array("ld".utf8))
      + Self.frame(0, 1, 3, [])
    let expected = Found(
      other: Array(Self.preface.utf8) + settings + head + untaken + Self.frame(8, 0, 0, [0, 0, 1, 0]),
      contents: [1: Array("hello world".utf8), 3: Array("other".utf8)], ended: [1, 3], lengths: [6, 7, 5, 7, 0, 2, 0])
    #expect(find(bytes, taking: [1, 3]) == expected)
    for cut in 1..<bytes.count { #expect(find(bytes, cuts: [cut], taking: [1, 3]) == expected, "cut at \(cut)") }
    #expect(find(bytes, cuts: Array(1..<bytes.count), taking: [1, 3]) == expected)
  }

  @Test("a frame with more padding than bytes is left to who knows what to say, with all that follows")
  func brokenPadding() {
    let broken = Self.frame(0, 8, 1, [5, 1, 2, 3])
    let empty = Self.frame(0, 8, 1, [])
    for wrong in [broken, empty] {
      let bytes = Array(Self.preface.utf8) + wrong + Self.frame(0, 0, 1, [9])
      let found = find(bytes, taking: [1])
      #expect(found.other == Array(Self.preface.utf8) + wrong)
      #expect(found.contents == [1: [9]])
    }
  }

  @Test("a window is opened again an eighth at a time, and not used beyond its limit")
  func credit() {
    var credit = HTTP2Credit(800)
    let allowed = [credit.use(800), credit.use(1)]
    #expect(allowed == [true, false])
    let given = [credit.take(99), credit.take(1), credit.take(250)]
    #expect(given == [0, 100, 250])
    #expect(credit.used == 451)
    credit.limit = 451
    let later = [credit.use(0), credit.use(1)]
    #expect(later == [true, false])
  }
}
