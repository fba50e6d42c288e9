import NIOCore
import Testing

@testable import XStream

@Suite("PacketParser")
struct PacketParserTests {
  @Test("takes the head and leaves the body and the next packet")
  func leavesBody() throws {
    var parser = PacketParser()
    var buffer = ByteBuffer(string: "headers:\n  route: /a\npayload: 3\nabcheaders:\n")
    let head = try #require(try parser.parse(&buffer))
    #expect(head == PacketHead([.init(.route, "/a")], payload: .bytes(3)))
    #expect(String(buffer: buffer) == "abcheaders:\n")
    #expect(parser.isBetweenPackets)
  }

  @Test("reads the same packets however the bytes are cut")
  func randomSplits() throws {
    let packet = "headers:\r\n    Route: /a b\r\n   x-stream: 1:1 \npayload: 9223372036854775807\n"
    let bytes = Array(String(repeating: packet, count: 20).utf8)
    var random = SplitMix(seed: 7)
    for _ in 0..<50 {
      var parser = PacketParser()
      var heads: [PacketHead] = []
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = min(rest.count, Int.random(in: 1...40, using: &random))
        var buffer = ByteBuffer(bytes: rest.prefix(count))
        rest = rest.dropFirst(count)
        while buffer.readableBytes > 0 {
          if let head = try parser.parse(&buffer) { heads.append(head) }
        }
      }
      #expect(heads.count == 20)
      #expect(Set(heads).count == 1)
      #expect(heads.first?[.route] == "/a b")
      #expect(heads.first?.payload == .bytes(.max))
    }
  }

  /// The bytes that the parser takes of an endless input before it refuses it.
  private func takes(_ start: String, then filler: String) -> (Int, PacketError?) {
    var parser = PacketParser()
    var taken = 0
    var input = Array(start.utf8)
    while taken < 100_000 {
      if input.isEmpty { input = Array(filler.utf8) }
      var buffer = ByteBuffer(bytes: [input.removeFirst()])
      taken += 1
      do {
        _ = try parser.parse(&buffer)
      } catch {
        return (taken, error)
      }
    }
    return (taken, nil)
  }

  @Test("refuses what never ends at the limit and not later")
  func endless() {
    let limit = PacketHead.maximumBytes
    #expect(takes("headers:\n    route: ", then: "x") == (limit, .headTooLong))
    #expect(takes("headers:\n    route:", then: " ") == (limit, .headTooLong))
    #expect(takes("headers:\n    route: /a\npayload:", then: " ") == (limit, .headTooLong))
    #expect(takes("headers:\n    ", then: "n") == (13 + HeaderName.maximumLength + 1, .name(line: 2)))
  }

  @Test("refuses the first byte that cannot be")
  func firstByte() {
    #expect(takes("\u{16}\u{03}\u{01}", then: "x") == (1, .notAPacket))
    #expect(takes("headerz:", then: "x") == (7, .notAPacket))
    #expect(takes("headers:\r\r", then: "x") == (10, .notAPacket))
    #expect(takes("headers:\n a: b\np:", then: "x") == (17, .indentation(line: 3)))
    #expect(takes("headers:\n a: b\n a:", then: "x") == (18, .duplicate(line: 3, header: HeaderName(checked: "a"))))
  }

  private func head(ofBytes size: Int) -> [UInt8] {
    let frame = "headers:\n    a: \npayload: -\n".utf8.count
    return Array("headers:\n    a: \(String(repeating: "v", count: size - frame))\npayload: -\n".utf8)
  }

  @Test("takes a head of 16,384 bytes and not one of 16,385")
  func largest() throws {
    var parser = PacketParser()
    var buffer = ByteBuffer(bytes: head(ofBytes: 16_384))
    #expect(try parser.parse(&buffer) != nil)
    buffer = ByteBuffer(bytes: head(ofBytes: 16_385))
    #expect(throws: PacketError.headTooLong) { try parser.parse(&buffer) }
    #expect(throws: PacketError.headTooLong) { try parser.parse(&buffer) }
  }

  @Test("takes 64 headers and refuses the 65th at its first byte")
  func mostHeaders() throws {
    let lines = (1...64).map { " h\($0): v\n" }.joined()
    var parser = PacketParser()
    var buffer = ByteBuffer(string: "headers:\n\(lines)payload: -\n")
    #expect(try parser.parse(&buffer)?.headers.count == 64)
    buffer = ByteBuffer(string: "headers:\n\(lines) ")
    #expect(throws: PacketError.tooManyHeaders) { try parser.parse(&buffer) }
  }

  @Test("survives any bytes, and says the same whole and dripped")
  func garbage() {
    var random = SplitMix(seed: 3)
    let seeds = Vector.all.map(\.bytes)
    for _ in 0..<2_000 {
      var bytes = seeds.randomElement(using: &random) ?? []
      for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      var whole = PacketParser()
      var dripping = PacketParser()
      var buffer = ByteBuffer(bytes: bytes)
      let expected = try? whole.parse(&buffer)
      var found: PacketHead?
      for byte in bytes where found == nil {
        var one = ByteBuffer(bytes: [byte])
        guard let head = try? dripping.parse(&one) else { continue }
        found = head
      }
      #expect(found == expected)
    }
  }
}
