@testable internal import Forwarders
internal import NIOCore

/// Members of a compressed store's file.
enum GzipParts {
  static func measure(with watch: Stopwatch) throws {
    for level in [1, 6] {
      try measure("gzip: a member of 1 MiB of text, zlib \(level)", of: text(), level: level, with: watch)
    }
    try measure("gzip: a member of 1 MiB of noise, zlib 6", of: noise(), level: 6, with: watch)
  }

  private static func measure(_ name: String, of bytes: ByteBuffer, level: Int, with watch: Stopwatch) throws {
    let deflater = try CompressionEngine.zlib(level: level).makeDeflater()
    try watch.measure(name, bytes: bytes.readableBytes) {
      try watch.time {
        let member = MemberWriter(rawOffset: 0, deflater: deflater)
        try member.add([bytes])
        try member.end()
        precondition(!member.takeOutput().isEmpty, "nothing came of a member")
      }
    }
  }

  /// Lines as a server logs them.
  private static func text() -> ByteBuffer {
    var (bytes, state) = (ByteBuffer(), UInt64(1))
    let words = [
      "GET", "PUT", "/upload-file", "/v1/users", "status", "connection", "reset", "by", "peer", "took", "ms",
    ]
    while bytes.readableBytes < 1 << 20 {
      bytes.writeString("\(1_700_000_000 + bytes.readableBytes / 100) host-\(next(&state) % 40): ")
      for _ in 0..<8 { bytes.writeString(words[Int(next(&state) % UInt64(words.count))] + " ") }
      bytes.writeString("id=\(next(&state) % 100_000_000)\n")
    }
    return bytes.getSlice(at: 0, length: 1 << 20) ?? bytes
  }

  private static func noise() -> ByteBuffer {
    var (bytes, state) = (ByteBuffer(), UInt64(1))
    while bytes.readableBytes < 1 << 20 { bytes.writeInteger(next(&state)) }
    return bytes
  }

  /// xorshift64*: the same in each run.
  private static func next(_ state: inout UInt64) -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }
}
