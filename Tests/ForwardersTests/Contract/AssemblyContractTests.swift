import GatewayCore
import Testing

@testable import Forwarders

@Suite("Every forwarder that makes uploads of others", .timeLimit(.minutes(1)))
struct AssemblyContractTests {
  /// A part that is full, as the ledger has it.
  private func part(_ bytes: [UInt8], cuts: [Int] = [], _ forwarder: any Forwarder) async throws -> SinkUpload {
    let facts = UploadFacts(
      key: .mint(), route: "/", format: .json, total: Int64(bytes.count), createdAt: WallTime(milliseconds: 0),
      role: .part)
    var upload = SinkUpload(facts: facts)
    upload.state = forwarder.initialState(of: upload)
    var part = Resumable(upload, forwarder)
    for (start, end) in zip([0] + cuts, cuts + [bytes.count]) {
      let sink = try await part.open(forwarder)
      if start < end { try await sink.write(Array(bytes[start..<end])) }
      #expect(try await part.suspend(sink) == end)
    }
    return upload
  }

  private func final(of parts: [SinkUpload], digest: ContentDigest? = nil) -> SinkUpload {
    let total = parts.reduce(0) { $0 + ($1.facts.total ?? 0) }
    return SinkUpload(
      facts: UploadFacts(
        key: .mint(), route: "/", digest: digest, total: total, createdAt: WallTime(milliseconds: 0),
        role: .final(of: parts.map(\.key))))
  }

  /// Copies a part from `offset` on, in slices.
  private func copy(_ part: SinkUpload, from offset: Int64 = 0, by step: Int64, _ sink: SinkDriver) async throws {
    let end = part.facts.total ?? 0
    for start in stride(from: offset, to: end, by: Int64.Stride(step)) {
      try await sink.copy(PartSlice(part: part, range: start..<min(start + step, end)))
    }
  }

  @Test("copies parts in order, one of them twice, and leaves them", arguments: ForwarderUnderTest.thatAssemble)
  func order(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let contents = [pattern(700_001), pattern(1, seed: 3), pattern(2_300_000, seed: 5)]
    var parts: [SinkUpload] = []
    for (content, cuts) in zip(contents, [[300_000], [], [65_536, 65_537, 2_000_000]]) {
      parts.append(try await part(content, cuts: cuts, place.forwarder))
    }
    let order = [2, 0, 1, 2]
    let bytes = order.flatMap { contents[$0] }
    let upload = final(of: order.map { parts[$0] }, digest: try digest(of: bytes))
    let sink = try await SinkDriver.open(place.forwarder, upload)
    for index in order { try await copy(parts[index], by: 1 << 20, sink) }
    #expect(try await sink.finish() == upload.facts.digest)
    #expect(place.complete(upload.key) == bytes)
    for part in parts {
      #expect(place.holdsUnfinished(part.key))
      #expect(place.complete(part.key) == nil)
    }
  }

  @Test("says at a checkpoint how much is safe, and goes on there", arguments: ForwarderUnderTest.thatAssemble)
  func resume(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let contents = [pattern(900_000), pattern(800_000, seed: 5)]
    let parts = [
      try await part(contents[0], cuts: [400_000], place.forwarder), try await part(contents[1], place.forwarder),
    ]
    let upload = final(of: parts, digest: try digest(of: contents[0] + contents[1]))
    var resumable = Resumable(upload, place.forwarder)
    let first = try await resumable.open(place.forwarder)
    try await copy(parts[0], by: 500_000, first)
    #expect(try await resumable.checkpoint(first) == 900_000)
    try await first.copy(PartSlice(part: parts[1], range: 0..<123_456))
    #expect(try await resumable.suspend(first) == 1_023_456)
    let second = try await resumable.open(place.forwarder)
    try await copy(parts[1], from: 123_456, by: 300_000, second)
    #expect(try await second.finish() == upload.facts.digest)
    #expect(place.complete(upload.key) == contents[0] + contents[1])
  }

  @Test("fails where a part is gone or too short, and fills nothing", arguments: ForwarderUnderTest.thatAssemble)
  func missing(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let short = try await part(pattern(100_000), place.forwarder)
    var long = short
    long.facts.total = 200_000
    var gone = short
    gone.facts.key = .mint()
    for (bad, end) in [(gone, 100_000), (long, 200_000)] as [(SinkUpload, Int64)] {
      let upload = final(of: [bad])
      let sink = try await SinkDriver.open(place.forwarder, upload)
      try await sink.call { ($0 as? any CopyingSink)?.copy(PartSlice(part: bad, range: 0..<end)) }
      let event = await sink.next()
      guard case .failed(.storage) = event else {
        Issue.record("\(String(describing: event))")
        continue
      }
      try await sink.call { $0.abandon() }
      #expect(place.complete(upload.key) == nil)
    }
  }
}

@Suite("A directory store whose parts are kept in another way", .timeLimit(.minutes(1)))
struct MixedAssemblyTests {
  @Test("joins what was compressed and what was not, whatever the final is", arguments: [false, true])
  func mixed(isCompressed: Bool) async throws {
    let place = try DirectoryPlace { $0.engine = isCompressed ? .zlib(level: 6) : nil }
    let contents = [pattern(1_500_000), pattern(1_200_000, seed: 9)]
    var parts: [SinkUpload] = []
    for (content, state) in zip(contents, ["plain", "gzip"]) {
      let facts = UploadFacts(
        key: .mint(), route: "/", total: Int64(content.count), createdAt: WallTime(milliseconds: 0), role: .part)
      parts.append(SinkUpload(facts: facts, state: state))
      let sink = try await SinkDriver.open(place.forwarder, parts[parts.count - 1])
      try await sink.write(content)
      #expect(try await sink.suspend() == Int64(content.count))
    }
    let bytes = contents[0] + contents[1] + contents[0]
    let upload = SinkUpload(
      facts: UploadFacts(
        key: .mint(), route: "/", digest: try digest(of: bytes), total: Int64(bytes.count),
        createdAt: WallTime(milliseconds: 0), role: .final(of: parts.map(\.key))))
    let sink = try await SinkDriver.open(place.forwarder, upload)
    for index in [0, 1, 0] {
      let end = Int64(contents[index].count)
      try await sink.copy(PartSlice(part: parts[index], range: 0..<700_001))
      try await sink.copy(PartSlice(part: parts[index], range: 700_001..<end))
    }
    #expect(try await sink.finish() == upload.facts.digest)
    #expect(place.complete(upload.key) == bytes)
    guard isCompressed else { return }
    let index = try GzipIndex.read(place.finalPath(upload.key))
    #expect(index.rawSize == Int64(bytes.count))
  }
}
