import Foundation
import NIOCore
import Testing
import XStream
import XStreamClient

/// Files whose size is no promise go as streams of unknown length.
@Suite(.timeLimit(.minutes(1)))
struct UnsizedFileTests {
  private func sent(_ path: String, while write: @escaping @Sendable () throws -> Void = {}) async throws -> ByteBuffer
  {
    let (received, feed) = AsyncStream.makeStream(of: ByteBuffer.self)
    let outcome = try await withServer([
      { peer in
        guard case .open(let open) = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        #expect(open.total == .unlimited)
        try await peer.say(offer())
        feed.yield(try await peer.rest())
        try await peer.say(final())
      }
    ]) { url in
      async let outcome = client().upload(.file(path), to: url, options: quick())
      try write()
      return try await outcome
    }
    for await bytes in received {
      #expect(outcome.bytes == bytes.readableBytes)
      return bytes
    }
    return ByteBuffer()
  }

  @Test(
    "what the system makes up as it is read arrives whole, whatever its size is said to be",
    arguments: ["/proc/version", "/sys/kernel/mm/transparent_hugepage/enabled"])
  func madeUp(path: String) async throws {
    let bytes = try await sent(path)
    #expect(bytes.readableBytes > 0)
    let reader = try FileHandle(forReadingFrom: URL(filePath: path))
    #expect(try reader.readToEnd() == Data(bytes.readableBytesView))
    let file = try FileToSend(LocalPath(path))
    #expect(file.identity == nil)
  }

  @Test("a named pipe is read until its writer closes it, and waited for before it has one")
  func namedPipe() async throws {
    let path = NSTemporaryDirectory() + "sluice-pipe-" + UUID().uuidString
    try #require(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    let bytes = try await sent(path) {
      let writer = try FileHandle(forWritingTo: URL(filePath: path))
      try writer.write(contentsOf: Data("from a pipe".utf8))
      try writer.close()
    }
    #expect(String(buffer: bytes) == "from a pipe")
  }

  @Test("an empty file is a stream of no bytes, and a directory is no file")
  func emptyAndDirectory() async throws {
    try await withFile(ByteBuffer()) { path in
      let file = try FileToSend(LocalPath(path))
      #expect(file.identity?.size == 0)
    }
    let error = await failure { try FileToSend(LocalPath(NSTemporaryDirectory())) }
    #expect(error?.code == .source && error?.description.contains("directory") == true)
  }
}
