import NIOCore
import Testing

@testable import Fronts

struct HTTP2FrameCountTests {
  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  private func frame(_ type: UInt8, flags: UInt8 = 0, size: Int = 0) -> [UInt8] {
    [UInt8(size >> 16 & 0xFF), UInt8(size >> 8 & 0xFF), UInt8(size & 0xFF), type, flags, 0, 0, 0, 1]
      + [UInt8](repeating: 0xFF, count: size)
  }

  private func count(_ slices: [[UInt8]]) -> Int {
    var count = HTTP2FrameCount()
    return slices.reduce(0) { $0 + count.take(ByteBuffer(bytes: $1).readableBytesView) }
  }

  @Test(
    "WINDOW_UPDATE, PING, SETTINGS and drops of DATA bring next to nothing; requests, their ends and content do not",
    arguments: [
      (8, 0, 4, 1), (6, 0, 8, 1), (4, 0, 0, 1), (0, 0, 1, 1), (0, 0, 255, 1), (0, 0, 256, 0), (0, 1, 1, 0),
      (1, 4, 40, 0),
      (9, 4, 3, 0), (3, 0, 4, 1), (200, 0, 0, 1),
    ])
  func kinds(type: UInt8, flags: UInt8, size: Int, expected: Int) {
    #expect(count([Self.preface + frame(type, flags: flags, size: size)]) == expected)
  }

  @Test("frames are counted in whichever two slices they come")
  func slices() {
    let bytes =
      Self.preface + frame(4) + frame(1, flags: 4, size: 30) + frame(0, size: 1) + frame(0, size: 300)
      + frame(8, size: 4)
    for cut in 0...bytes.count {
      #expect(count([Array(bytes[..<cut]), Array(bytes[cut...])]) == 3, "cut at \(cut)")
    }
    #expect(count(bytes.map { [$0] }) == 3)
  }
}
