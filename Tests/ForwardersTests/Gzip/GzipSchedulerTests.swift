@testable import Forwarders
import NIOCore
import Testing

@Suite("A line of gzip members")
struct GzipSchedulerTests {
  private let size = 1000

  private func line(limit: Int = 2) -> GzipScheduler { GzipScheduler(from: 50, memberSize: size, limit: limit) }

  private func append(_ count: Int, to line: inout GzipScheduler) {
    line.append(ByteBuffer(bytes: pattern(count)))
  }

  private func next(of line: inout GzipScheduler, isIdle: Bool) throws -> MemberPiece {
    let piece = line.next(isIdle: isIdle)
    return try #require(piece)
  }

  private func expectNone(
    in line: inout GzipScheduler, isIdle: Bool, _ reason: Comment? = nil, at place: SourceLocation = #_sourceLocation
  ) {
    let piece = line.next(isIdle: isIdle)
    #expect(piece == nil, reason, sourceLocation: place)
  }

  private func expectCompressed(
    _ ends: [Int64], in line: inout GzipScheduler, at place: SourceLocation = #_sourceLocation
  ) {
    let pieces = line.takeCompressed()
    #expect(pieces.map(\.end) == ends, sourceLocation: place)
  }

  @Test("gives out whole members while others are compressed, and no more than may be compressed at once")
  func several() throws {
    var line = line()
    append(3500, to: &line)
    let first = try next(of: &line, isIdle: true)
    let second = try next(of: &line, isIdle: false)
    expectNone(in: &line, isIdle: true)
    #expect([first.end, second.end] == [1050, 2050])
    #expect([first, second].allSatisfy { $0.beginsMember && $0.endsMember })
    line.compressed(second)
    #expect(!line.hasCompressed)
    expectCompressed([], in: &line)
    let third = try next(of: &line, isIdle: false)
    #expect(third.end == 3050 && third.member.rawOffset == 2050)
    line.compressed(first)
    #expect(line.hasCompressed)
    expectCompressed([1050, 2050], in: &line)
    line.compressed(third)
    expectNone(in: &line, isIdle: false, "a member that is not whole waits while there is something to do")
    expectCompressed([3050], in: &line)
    #expect(!line.isEmpty)
  }

  @Test("compresses no more ahead of a slow disk than twice what may be compressed at once")
  func slowDisk() throws {
    var line = line()
    append(9000, to: &line)
    for _ in 0..<4 { line.compressed(try next(of: &line, isIdle: false)) }
    expectNone(in: &line, isIdle: false)
    expectCompressed([1050, 2050, 3050, 4050], in: &line)
    #expect(try next(of: &line, isIdle: false).end == 5050)
  }

  @Test("begins a member that is not whole where nothing else is to be done, and goes on with it piece by piece")
  func pieces() throws {
    var line = line()
    append(300, to: &line)
    expectNone(in: &line, isIdle: false)
    let first = try next(of: &line, isIdle: true)
    #expect(first.beginsMember && !first.endsMember && first.end == 350)
    append(1900, to: &line)
    expectNone(in: &line, isIdle: true, "a member's pieces are compressed one after another")
    line.compressed(first)
    let second = try next(of: &line, isIdle: false)
    #expect(second.member === first.member && !second.beginsMember && second.endsMember && second.end == 1050)
    let third = try next(of: &line, isIdle: false)
    #expect(third.member !== first.member && third.beginsMember && third.endsMember && third.end == 2050)
    #expect(second.bytes.reduce(0) { $0 + $1.readableBytes } == 700)
  }

  @Test("ends a member early where it is flushed, and only that one")
  func flush() throws {
    var line = line()
    append(1200, to: &line)
    let first = try next(of: &line, isIdle: true)
    line.flush()
    let second = try next(of: &line, isIdle: false)
    #expect(first.end == 1050 && second.end == 1250 && second.endsMember)
    append(10, to: &line)
    expectNone(in: &line, isIdle: false)
    [first, second].forEach { line.compressed($0) }
    let third = try next(of: &line, isIdle: true)
    #expect(!third.endsMember)
    line.flush()
    expectNone(in: &line, isIdle: false)
    line.compressed(third)
    let end = try next(of: &line, isIdle: false)
    #expect(end.bytes.isEmpty && end.endsMember && !end.beginsMember && end.member === third.member)
    line.compressed(end)
    expectCompressed([1050, 1250, 1260, 1260], in: &line)
    #expect(line.isEmpty)
    // Nothing is there that could end.
    line.flush()
    append(10, to: &line)
    let small = try next(of: &line, isIdle: true)
    #expect(!small.endsMember)
  }

  @Test("has members of which a window holds four for each processor, within bounds")
  func sizes() {
    #expect(GzipScheduler.memberSize(window: 4 << 20, processors: 1) == 1 << 20)
    #expect(GzipScheduler.memberSize(window: 4 << 20, processors: 2) == 512 << 10)
    #expect(GzipScheduler.memberSize(window: 4 << 20, processors: 3) == 256 << 10)
    #expect(GzipScheduler.memberSize(window: 4 << 20, processors: 64) == 128 << 10)
    #expect(GzipScheduler.memberSize(window: 64 << 10, processors: 2) == 128 << 10)
    #expect(GzipScheduler.memberSize(window: 1 << 30, processors: 8) == 1 << 20)
  }
}
