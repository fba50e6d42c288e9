import Foundation
import GatewayCore
import Glibc
import NIOCore
import Testing
import TLSTransport

@testable import Forwarders

@Suite("A file that is written in blocks", .timeLimit(.minutes(1)))
struct BlockFileTests {
  /// Calls `body` with a new file, on a disk, as a file system in memory may not be able to write past the cache.
  private func withFile(_ body: (CInt, URL) throws -> Void) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: ".build")
    // It is elsewhere where the build was told so.
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let place = folder.appending(path: UUID().uuidString)
    let descriptor = open(place.path, O_RDWR | O_CREAT | O_EXCL, 0o600)
    try #require(descriptor >= 0)
    defer {
      close(descriptor)
      unlink(place.path)
    }
    try body(descriptor, place)
  }

  /// Bytes in a buffer that lies as a read of them from `offset` on would.
  private func buffer(_ bytes: ArraySlice<UInt8>, at offset: Int, isAligned: Bool) -> ByteBuffer {
    guard isAligned else {
      return ByteBuffer(bytes: [0] + bytes).getSlice(at: 1, length: bytes.count) ?? ByteBuffer()
    }
    var buffer = ByteBufferAllocator().buffer(capacity: bytes.count + ByteBuffer.alignmentSlack)
    buffer.beginAligned(to: Int64(offset))
    buffer.writeBytes(bytes)
    return buffer
  }

  @Test("lies in blocks of the size by which received bytes are laid into memory")
  func blockSize() {
    #expect(FileBlock.size == ByteBuffer.blockSize)
  }

  @Test(
    "has what was appended, in pieces of every size, and what was written over between", arguments: [true, false],
    [true, false])
  func everySize(isDirect: Bool, isAligned: Bool) throws {
    try withFile { descriptor, place in
      let file = BlockFile(OpenFile(descriptor: descriptor, place: "it"), at: 0, isDirect: isDirect)
      var expected: [UInt8] = []
      var random = SplitMix(state: 5)
      let from = BlockFile.directFrom
      let fixed = [
        1, 4095, from - 4096, from, 4096, from + 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 5, 0, 31, from - 1, 2 << 20, 3,
        from, 1, from,
      ]
      for size in fixed + (0..<20).map({ _ in Int(random.next() % 700_000) }) {
        let bytes = pattern(size, seed: random.next())
        let cuts = [0, Int(random.next() % UInt64(size + 1)), Int(random.next() % UInt64(size + 1)), size].sorted()
        let buffers = zip(cuts, cuts.dropFirst()).map {
          buffer(bytes[$0..<$1], at: expected.count + $0, isAligned: isAligned)
        }
        try file.append(buffers)
        expected += bytes
        #expect(file.size == Int64(expected.count))
        #expect(file.flushed <= file.size && file.size - file.flushed < 4096)
        guard random.next().isMultiple(of: 2) else { continue }
        try file.flush()
        #expect(file.flushed == file.size)
        let patch = pattern(32, seed: random.next()).prefix(expected.count)
        // Now and then in what is carried.
        let last = expected.count - patch.count
        let at = random.next().isMultiple(of: 2) ? Int(random.next() % UInt64(last + 1)) : max(0, last - 2000)
        try file.overwrite(ByteBuffer(bytes: patch), at: Int64(at))
        expected.replaceSubrange(at..<at + patch.count, with: patch)
        #expect([UInt8](try Data(contentsOf: place)) == expected)
      }
      try file.flush()
      #expect([UInt8](try Data(contentsOf: place)) == expected)
    }
  }

  @Test(
    "passes the page cache by with what is large, and goes on at any size of the file", arguments: [0, 1, 4096, 5000])
  func passesCache(begin: Int) throws {
    try withFile { descriptor, place in
      let head = pattern(begin, seed: 1)
      #expect(head.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, begin, 0) } == begin)
      try #require(fsync(descriptor) == 0)
      let file = BlockFile(OpenFile(descriptor: descriptor, place: "it"), at: Int64(begin), isDirect: true)
      let body = pattern(8 << 20, seed: 2)
      for offset in stride(from: 0, to: body.count, by: 1 << 20) {
        try file.append([buffer(body[offset..<(offset + 1 << 20)], at: begin + offset, isAligned: true)])
      }
      let cached = try cachedBytes(descriptor, 8 << 20)
      #expect(cached <= 2 * 4096, "\(cached) bytes are in the page cache")
      try file.flush()
      #expect([UInt8](try Data(contentsOf: place)) == head + body)
    }
  }

  @Test("copies no block whose memory lies as its place in the file does")
  func aligned() {
    let cutter = BlockCutter()
    let bytes = pattern(1 << 20)
    let first = buffer(bytes[..<500_000], at: 0, isAligned: true)
    let second = buffer(bytes[500_000...], at: 500_000, isAligned: true)
    let run = cutter.cut([first, second], skip: 0)
    defer { run.deallocate() }
    #expect(run.count == 1 << 20)
    #expect(cutter.carried == 0)
    let starts = run.segments.map { $0.iov_base }
    let firstStart = first.withUnsafeReadableBytes { $0.baseAddress }
    let secondStart = second.withUnsafeReadableBytes { $0.baseAddress.map { $0 + (4096 - 500_000 % 4096) } }
    #expect(run.segments.map(\.iov_len) == [499_712, 4096, 1_048_576 - 503_808])
    #expect(starts.first == firstStart.map { UnsafeMutableRawPointer(mutating: $0) })
    #expect(starts.last == secondStart.map { UnsafeMutableRawPointer(mutating: $0) })
  }

  @Test("says that no space is left, also where nothing can be written past the cache")
  func full() throws {
    let descriptor = open("/dev/full", O_RDWR)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    for size in [10, 1 << 20] {
      let file = BlockFile(OpenFile(descriptor: descriptor, place: "the file"), at: 0, isDirect: true)
      #expect(throws: SinkFailure.full) {
        try file.append([ByteBuffer(bytes: pattern(size))])
        try file.flush()
      }
    }
  }

  /// How much of a file's beginning the page cache has.
  private func cachedBytes(_ descriptor: CInt, _ count: Int) throws -> Int {
    let memory = mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0)
    let start = try #require(memory == MAP_FAILED ? nil : memory)
    defer { munmap(start, count) }
    var pages = [UInt8](repeating: 0, count: count / 4096)
    try #require(mincore(start, count, &pages) == 0)
    return pages.filter { $0 & 1 == 1 }.count * 4096
  }
}
