@testable import Forwarders
import Foundation
import GatewayCore
import NIOCore
import Testing

@Suite("A gzip member", .timeLimit(.minutes(1)))
struct GzipMemberTests {
  /// What a member takes besides its deflate stream.
  private let frame = MemberHeader.size + MemberHeader.trailerSize
  private let text = Array(repeating: Array("a line that comes again and again\n".utf8), count: 40_000).flatMap { $0 }

  private func member(_ engine: CompressionEngine, _ batches: [[ByteBuffer]]) throws -> [UInt8] {
    let writer = MemberWriter(rawOffset: 0, deflater: try engine.makeDeflater())
    var bytes: [UInt8] = []
    for batch in batches {
      try writer.add(batch)
      for output in writer.takeOutput() { bytes += output.readableBytesView }
    }
    try writer.end()
    for output in writer.takeOutput() { bytes += output.readableBytesView }
    #expect(writer.isEnded && writer.size == bytes.count)
    bytes.replaceSubrange(0..<MemberHeader.size, with: writer.header.bytes.readableBytesView)
    return bytes
  }

  /// What is in it, by another program.
  private func contents(_ member: [UInt8]) throws -> [UInt8] {
    let path = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString).gz").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(member).write(to: URL(filePath: path))
    return try Gunzip.bytes(path)
  }

  @Test("stores random bytes in full blocks, however they arrive", arguments: CompressionEngine.tested)
  func storedBlocks(engine: CompressionEngine) throws {
    let bytes = pattern(1 << 20)
    let ways: [[[ByteBuffer]]] = [
      [[ByteBuffer(bytes: bytes)]],
      [
        stride(from: 0, to: bytes.count, by: 10_000).map {
          ByteBuffer(bytes: bytes[$0..<min($0 + 10_000, bytes.count)])
        }
      ],
      stride(from: 0, to: bytes.count, by: 50_001).map {
        [ByteBuffer(bytes: bytes[$0..<min($0 + 50_001, bytes.count)])]
      },
    ]
    for way in ways {
      let member = try member(engine, way)
      #expect(member.count == bytes.count + 17 * 5 + frame)
      #expect(try contents(member) == bytes)
    }
  }

  @Test("compresses only the stretches of its contents that shrink", arguments: CompressionEngine.tested)
  func stretches(engine: CompressionEngine) throws {
    let stretch = MemberWriter.stretch
    for order in ["ts", "st", "tst", "sts", "ttsstt", "s", "t", "stststst"] {
      var bytes: [UInt8] = []
      for (index, kind) in order.enumerated() {
        bytes += kind == "t" ? Array(text.prefix(stretch)) : pattern(stretch, seed: UInt64(index + 1))
      }
      let stored = order.count { $0 == "s" } * stretch
      for count in [bytes.count, bytes.count - 1, bytes.count - stretch + 1] {
        let member = try member(engine, [[ByteBuffer(bytes: bytes.prefix(count))]])
        #expect(try contents(member) == Array(bytes.prefix(count)))
        #expect(member.count < stored + 3000 * order.count)
      }
    }
  }

  @Test(
    "is whole with few bytes and with none, and with bytes that come one by one", arguments: CompressionEngine.tested)
  func small(engine: CompressionEngine) throws {
    #expect(try contents(try member(engine, [])) == [])
    #expect(try contents(try member(engine, [[ByteBuffer()]])) == [])
    let bytes = pattern(3000)
    #expect(try contents(try member(engine, bytes.map { [ByteBuffer(bytes: [$0])] })) == bytes)
  }

  @Test("holds nothing of the memory that its bytes came in", arguments: CompressionEngine.tested)
  func memory(engine: CompressionEngine) throws {
    let writer = MemberWriter(rawOffset: 0, deflater: try engine.makeDeflater())
    var buffer = ByteBuffer(bytes: pattern(100_000))
    let address = { (buffer: inout ByteBuffer) in
      buffer.withUnsafeMutableReadableBytes { UInt(bitPattern: $0.baseAddress) }
    }
    let before = address(&buffer)
    try writer.add([buffer])
    #expect(address(&buffer) != before)
    var other = ByteBuffer(bytes: pattern(100_000, seed: 2))
    let own = address(&other)
    try writer.add([other])
    _ = writer.takeOutput()
    // Writing to memory that is shared would have moved it.
    #expect(address(&other) == own)
  }

  @Test("is judged by how often bytes come, and by what comes again")
  func redundancy() {
    func pays(_ bytes: [UInt8]) -> Bool? { bytes.withUnsafeBytes { Redundancy.pays(in: $0) } }
    for seed in 1...50 {
      #expect(pays(pattern(8192, seed: UInt64(seed))) == false)
      #expect(pays(pattern(1024, seed: UInt64(seed))) == false)
      // Seven bits of eight.
      #expect(pays(pattern(8192, seed: UInt64(seed)).map { $0 & 0x7F }) == true)
      // All bytes are as frequent as others, but half of them come again.
      let half = pattern(4096, seed: UInt64(seed))
      #expect(pays(half + half) == true)
    }
    #expect(pays(Array(text.prefix(8192))) == true)
    #expect(pays([UInt8](repeating: 0, count: 1024)) == true)
    #expect(pays(pattern(1023)) == nil)
    #expect(pays([]) == nil)
    let pieces = pattern(4096).map { ByteBuffer(bytes: [$0]) }
    #expect(Redundancy.pays(in: pieces) == false)
    #expect(Redundancy.pays(in: []) == nil)
  }
}

extension CompressionEngine {
  static var tested: [CompressionEngine] {
    #if ISAL
      [.zlib(level: 6), .zlib(level: 1), .igzip]
    #else
      [.zlib(level: 6), .zlib(level: 1)]
    #endif
  }
}
