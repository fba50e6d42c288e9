import GatewayCore
import NIOCore
import NIOPosix
import Testing

@Suite("Every forwarder", .timeLimit(.minutes(1)))
struct ForwarderContractTests {
  private func upload(_ bytes: [UInt8], withDigest: Bool = false) throws -> SinkUpload {
    SinkUpload(key: .mint(), total: Int64(bytes.count), digest: withDigest ? try digest(of: bytes) : nil)
  }

  @Test("keeps the bytes' order and count, whatever they come in", arguments: ForwarderUnderTest.allCases)
  func order(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let bytes = pattern(1_500_001)
    let upload = try upload(bytes, withDigest: true)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    var rest = bytes[...]
    var sizes = [1, 100_000, 3, 70_000, 65_535, 65_536, 0, 17, 1, 300_000].makeIterator()
    while !rest.isEmpty {
      let size = sizes.next() ?? 40_000
      try await sink.write(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    #expect(try await sink.finish() == upload.digest)
    #expect(place.complete(upload.key) == bytes)
    #expect(!place.holdsUnfinished(upload.key))
  }

  @Test("takes an upload of no bytes", arguments: ForwarderUnderTest.allCases)
  func empty(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let upload = try upload([], withDigest: true)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    #expect(try await sink.checkpoint() == 0)
    #expect(try await sink.finish() == upload.digest)
    #expect(place.complete(upload.key) == [])
  }

  @Test("takes an upload of unknown length, and computes no digest unasked", arguments: ForwarderUnderTest.allCases)
  func unknownTotal(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let upload = SinkUpload(key: .mint(), total: nil, digest: nil)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    try await sink.write(pattern(1000))
    #expect(try await sink.finish() == nil)
    #expect(place.complete(upload.key) == pattern(1000))
  }

  @Test(
    "says of all bytes that it took them, and at a checkpoint that they are safe",
    arguments: ForwarderUnderTest.allCases)
  func progress(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let sink = try await SinkDriver.open(place.forwarder, SinkUpload(key: .mint(), total: nil, digest: nil))
    for round in 1...5 {
      try await sink.write(pattern(100_000))
      try await sink.waitUntilTook(Int64(round) * 100_000)
      #expect(try await sink.checkpoint() == Int64(round) * 100_000)
    }
    #expect(try await sink.checkpoint() == 500_000)
    try await sink.call { $0.abandon() }
  }

  @Test("goes on after any number of connections", arguments: ForwarderUnderTest.allCases, [false, true])
  func resume(_ subject: ForwarderUnderTest, withDigest: Bool) async throws {
    let place = try await subject.make()
    let bytes = pattern(1_000_000)
    let upload = try upload(bytes, withDigest: withDigest)
    var offset = 0
    for size in [0, 1, 300_000, 65_536, 99] {
      let sink = try await SinkDriver.open(place.forwarder, upload, from: Int64(offset))
      try await sink.write(Array(bytes[offset..<offset + size]))
      offset += size
      #expect(try await sink.suspend() == Int64(offset))
      #expect(place.complete(upload.key) == nil)
    }
    let sink = try await SinkDriver.open(place.forwarder, upload, from: Int64(offset))
    try await sink.write(Array(bytes[offset...]))
    #expect(try await sink.finish() == upload.digest)
    #expect(place.complete(upload.key) == bytes)
  }

  @Test("cuts what lies beyond the offset", arguments: ForwarderUnderTest.thatCut, [0, 1, 5000])
  func cut(_ subject: ForwarderUnderTest, at offset: Int) async throws {
    let place = try await subject.make()
    let bytes = pattern(10_000)
    let upload = try upload(bytes, withDigest: true)
    let first = try await SinkDriver.open(place.forwarder, upload)
    try await first.write(Array(bytes[..<offset]))
    #expect(try await first.checkpoint() == Int64(offset))
    try await first.write(pattern(50_000, seed: 7))
    #expect(try await first.suspend() == Int64(offset + 50_000))
    let second = try await SinkDriver.open(place.forwarder, upload, from: Int64(offset))
    try await second.write(Array(bytes[offset...]))
    _ = try await second.finish()
    #expect(place.complete(upload.key) == bytes)
  }

  @Test(
    "refuses other bytes than the digest's, and keeps none of them", arguments: ForwarderUnderTest.thatTakeBack,
    [0, 4000])
  func wrongDigest(_ subject: ForwarderUnderTest, resumedAt offset: Int) async throws {
    let place = try await subject.make()
    let bytes = pattern(10_000)
    let upload = SinkUpload(key: .mint(), total: 10_000, digest: try digest(of: pattern(10_000, seed: 2)))
    let first = try await SinkDriver.open(place.forwarder, upload)
    try await first.write(Array(bytes[..<offset]))
    _ = try await first.suspend()
    let sink = try await SinkDriver.open(place.forwarder, upload, from: Int64(offset))
    try await sink.write(Array(bytes[offset...]))
    try await sink.call { $0.finish() }
    #expect(try await sink.failure() == .digest(computed: digest(of: bytes)))
    #expect(place.complete(upload.key) == nil)
    try await sink.call { $0.abandon() }
    try await place.forwarder.discard(upload.key, on: sink.eventLoop).get()
    #expect(!place.holdsUnfinished(upload.key))
  }

  @Test(
    "leaves nothing of an abandoned upload, even with writes on their way",
    arguments: ForwarderUnderTest.thatTakeBack)
  func abandon(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let upload = SinkUpload(key: .mint(), total: nil, digest: nil)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    try await sink.write(pattern(2_000_000))
    try await sink.call { sink in
      sink.checkpoint()
      sink.abandon()
    }
    try await eventually { !place.holdsUnfinished(upload.key) }
    #expect(place.complete(upload.key) == nil)
  }

  @Test("may be told to end before it is open", arguments: ForwarderUnderTest.allCases)
  func endsEarly(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let sink = try await SinkDriver.start(place.forwarder, SinkUpload(key: .mint(), total: 5, digest: nil))
    try await sink.call { $0.suspend() }
    var last = await sink.next()
    if case .opened = last { last = await sink.next() }
    guard case .suspended(at: 0) = last else { throw SinkDriver.Unexpected(event: last) }
    let abandoned = SinkUpload(key: .mint(), total: 5, digest: nil)
    try await SinkDriver.start(place.forwarder, abandoned).call { $0.abandon() }
    try await eventually { !place.holdsUnfinished(abandoned.key) }
  }

  @Test("discards what is there and what is not", arguments: ForwarderUnderTest.allCases)
  func discard(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let upload = SinkUpload(key: .mint(), total: nil, digest: nil)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    try await sink.write(pattern(10))
    #expect(try await sink.suspend() == 10)
    #expect(place.holdsUnfinished(upload.key))
    for _ in 1...2 { try await place.forwarder.discard(upload.key, on: sink.eventLoop).get() }
    #expect(!place.holdsUnfinished(upload.key))
  }

  @Test("answers a checkpoint while it goes on writing, and before it ends", arguments: ForwarderUnderTest.allCases)
  func checkpointBeforeEnd(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let upload = SinkUpload(key: .mint(), total: 300_000, digest: nil)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    try await sink.write(pattern(100_000))
    try await sink.call { $0.checkpoint() }
    try await sink.write(pattern(200_000))
    try await sink.call { $0.finish() }
    let answer = await sink.nextButTook()
    guard case .safe(let offset) = answer, offset >= 100_000 else { throw SinkDriver.Unexpected(event: answer) }
    let end = await sink.nextButTook()
    guard case .finished = end else { throw SinkDriver.Unexpected(event: end) }
  }

  @Test("takes 32 uploads at once, each byte for byte", arguments: ForwarderUnderTest.allCases)
  func parallel(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<32 {
        group.addTask {
          let bytes = pattern(150_000 + number * 1001, seed: UInt64(number + 10))
          let upload = SinkUpload(
            key: .mint(), total: Int64(bytes.count), digest: number % 2 == 0 ? try digest(of: bytes) : nil)
          var sink = try await SinkDriver.open(place.forwarder, upload)
          var offset = 0
          while offset < bytes.count {
            let end = min(bytes.count, offset + 10_000 + number * 3000)
            try await sink.write(Array(bytes[offset..<end]))
            offset = end
            if offset % 3 == 0 { _ = try await sink.checkpoint() }
            if offset % 5 == 0, number % 4 < 2 {
              #expect(try await sink.suspend() == Int64(offset))
              sink = try await SinkDriver.open(place.forwarder, upload, from: Int64(offset))
            }
          }
          #expect(try await sink.finish() == upload.digest)
          #expect(place.complete(upload.key) == bytes)
        }
      }
      try await group.waitForAll()
    }
  }
}

/// Waits for what no event announces. The suite's time limit ends a wait for nothing.
func eventually(_ condition: () -> Bool) async throws {
  while !condition() { try await Task.sleep(for: .milliseconds(1)) }
}
