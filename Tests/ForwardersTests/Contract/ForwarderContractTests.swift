import GatewayCore
import NIOCore
import NIOPosix
import Testing

@Suite("Every forwarder", .timeLimit(.minutes(1)))
struct ForwarderContractTests {
  private func upload(_ bytes: [UInt8], withDigest: Bool = false) throws -> SinkUpload {
    SinkUpload(key: .mint(), total: Int64(bytes.count), digest: withDigest ? try digest(of: bytes) : nil)
  }

  @Test("says what it can do", arguments: ForwarderUnderTest.allCases)
  func traits(_ subject: ForwarderUnderTest) async throws {
    #expect(try await subject.make().forwarder.traits == subject.traits)
  }

  @Test("keeps the bytes' order and count, whatever they come in", arguments: ForwarderUnderTest.allCases)
  func order(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let bytes = pattern(1_500_001 + subject.grain)
    let upload = try upload(bytes, withDigest: true)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    var rest = bytes[...]
    var sizes = [1, 100_000, 3, 70_000, 65_535, 65_536, 0, 17, 1, 300_000].makeIterator()
    while !rest.isEmpty {
      let size = sizes.next() ?? 40_000
      try await sink.write(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    #expect(try await sink.finish() == upload.facts.digest)
    #expect(place.complete(upload.key) == bytes)
    #expect(!place.holdsUnfinished(upload.key))
  }

  @Test("takes an upload of no bytes", arguments: ForwarderUnderTest.allCases)
  func empty(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let upload = try upload([], withDigest: true)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    #expect(try await sink.checkpoint() == 0)
    #expect(try await sink.finish() == upload.facts.digest)
    #expect(place.complete(upload.key) == [])
  }

  @Test("takes an upload of unknown length, and computes no digest unasked", arguments: ForwarderUnderTest.allCases)
  func unknownTotal(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let upload = SinkUpload(key: .mint(), total: nil)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    try await sink.write(pattern(1000))
    #expect(try await sink.finish() == nil)
    #expect(place.complete(upload.key) == pattern(1000))
  }

  @Test("computes a digest that nobody announced where one is wanted", arguments: ForwarderUnderTest.allCases)
  func wantedDigest(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let bytes = pattern(600_000 + subject.grain)
    var wished = SinkUpload(key: .mint(), total: Int64(bytes.count))
    wished.transfer.digest = .wanted
    var upload = Resumable(wished, place.forwarder)
    for size in [0, 200_000 + subject.grain] {
      let sink = try await upload.open(place.forwarder)
      try await sink.write(Array(bytes[upload.offset..<upload.offset + size]))
      _ = try await upload.suspend(sink)
    }
    let sink = try await upload.open(place.forwarder)
    try await sink.write(Array(bytes[upload.offset...]))
    #expect(try await sink.finish() == digest(of: bytes))
    #expect(place.complete(upload.key) == bytes)
  }

  @Test(
    "says of all bytes that they are consumed, and at a checkpoint how many are safe",
    arguments: ForwarderUnderTest.allCases)
  func progress(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let sink = try await SinkDriver.open(place.forwarder, SinkUpload(key: .mint(), total: nil))
    let step = 100_000 + subject.grain
    for round in 1...5 {
      try await sink.write(pattern(step))
      try await sink.waitUntilConsumed(Int64(round * step))
      #expect(try await sink.checkpoint() == subject.safe(round * step))
    }
    #expect(try await sink.checkpoint() == subject.safe(5 * step))
    try await sink.call { $0.abandon() }
  }

  @Test("goes on after any number of connections", arguments: ForwarderUnderTest.allCases, [false, true])
  func resume(_ subject: ForwarderUnderTest, withDigest: Bool) async throws {
    let place = try await subject.make()
    let bytes = pattern(1_000_000 + subject.grain)
    var upload = Resumable(try upload(bytes, withDigest: withDigest), place.forwarder)
    for size in [0, 1, 300_000, 65_536 + subject.grain, 99] {
      let offset = upload.offset
      let sink = try await upload.open(place.forwarder)
      try await sink.write(Array(bytes[offset..<offset + size]))
      #expect(try await upload.suspend(sink) == subject.safe(offset + size))
      #expect(place.complete(upload.key) == nil)
    }
    let sink = try await upload.open(place.forwarder)
    try await sink.write(Array(bytes[upload.offset...]))
    #expect(try await sink.finish() == upload.digest)
    #expect(place.complete(upload.key) == bytes)
  }

  @Test("cuts what lies beyond the offset", arguments: ForwarderUnderTest.thatTruncate, [0, 1, 5000])
  func cut(_ subject: ForwarderUnderTest, at wanted: Int) async throws {
    let place = try await subject.make()
    let offset = wanted == 0 ? 0 : subject.safe(max(wanted, subject.grain))
    let bytes = pattern(10_000 + subject.grain)
    var upload = Resumable(try upload(bytes, withDigest: true), place.forwarder)
    let first = try await upload.open(place.forwarder)
    try await first.write(Array(bytes[..<offset]))
    #expect(try await upload.checkpoint(first) == offset)
    try await first.write(pattern(50_000 + subject.grain, seed: 7))
    // The ledger does not hear of it.
    #expect(try await first.suspend() == subject.safe(offset + 50_000 + subject.grain))
    let second = try await upload.open(place.forwarder)
    try await second.write(Array(bytes[offset...]))
    _ = try await second.finish()
    #expect(place.complete(upload.key) == bytes)
  }

  @Test(
    "has after a restart what was called safe, and knows nothing but what the ledger recorded",
    arguments: ForwarderUnderTest.thatSurviveRestarts)
  func restart(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let bytes = pattern(700_000 + 2 * subject.grain)
    var upload = Resumable(try upload(bytes, withDigest: true), place.forwarder)
    let first = try await upload.open(place.forwarder)
    try await first.write(Array(bytes[..<(300_000 + subject.grain)]))
    #expect(try await upload.checkpoint(first) == subject.safe(300_000 + subject.grain))
    try await first.write(pattern(50_000, seed: 3))
    _ = try await first.suspend()
    let again = try await place.restarted()
    let found = try await again.forwarder.recover([upload.record], besides: [])
    #expect(found.uploads == [:])
    let second = try await upload.open(again.forwarder)
    try await second.write(Array(bytes[upload.offset...]))
    #expect(try await second.finish() == upload.digest)
    #expect(again.complete(upload.key) == bytes)
  }

  @Test("says after a restart that no upload can go on", arguments: ForwarderUnderTest.thatDoNotSurviveRestarts)
  func noRestart(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let upload = Resumable(try upload([1, 2, 3]), place.forwarder)
    #expect(try await place.forwarder.recover([upload.record], besides: []).uploads == [upload.key: .broken])
  }

  @Test(
    "refuses other bytes than the digest's, and keeps none of them", arguments: ForwarderUnderTest.thatTakeBack,
    [0, 4000])
  func wrongDigest(_ subject: ForwarderUnderTest, resumedAt offset: Int) async throws {
    let place = try await subject.make()
    let bytes = pattern(10_000)
    let announced = try digest(of: pattern(10_000, seed: 2))
    var upload = Resumable(SinkUpload(key: .mint(), total: 10_000, digest: announced), place.forwarder)
    let first = try await upload.open(place.forwarder)
    try await first.write(Array(bytes[..<offset]))
    #expect(try await upload.suspend(first) == subject.safe(offset))
    let sink = try await upload.open(place.forwarder)
    try await sink.write(Array(bytes[upload.offset...]))
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
    let upload = SinkUpload(key: .mint(), total: nil)
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
    let sink = try await SinkDriver.start(place.forwarder, SinkUpload(key: .mint(), total: 5))
    try await sink.call { $0.suspend() }
    var last = await sink.next()
    if case .opened = last { last = await sink.next() }
    guard case .suspended(at: 0, _) = last else { throw SinkDriver.Unexpected(event: last) }
    let abandoned = SinkUpload(key: .mint(), total: 5)
    try await SinkDriver.start(place.forwarder, abandoned).call { $0.abandon() }
    try await eventually { !place.holdsUnfinished(abandoned.key) }
  }

  @Test("discards what is there and what is not", arguments: ForwarderUnderTest.allCases)
  func discard(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let upload = SinkUpload(key: .mint(), total: nil)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    try await sink.write(pattern(10))
    #expect(try await sink.suspend() == subject.safe(10))
    #expect(place.holdsUnfinished(upload.key))
    for _ in 1...2 { try await place.forwarder.discard(upload.key, on: sink.eventLoop).get() }
    #expect(!place.holdsUnfinished(upload.key))
  }

  @Test(
    "removes what is complete, and what is not there",
    arguments: ForwarderUnderTest.allCases.filter(\.traits.holdsFiles))
  func remove(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    var upload = Resumable(SinkUpload(key: .mint(), total: 10), place.forwarder)
    let sink = try await upload.open(place.forwarder)
    try await sink.write(pattern(10))
    _ = try await sink.finish()
    #expect(place.complete(upload.key) == pattern(10))
    var record = upload.record
    record.state = .failed
    for _ in 1...2 { try await place.forwarder.remove(record, on: sink.eventLoop).get() }
    #expect(place.complete(upload.key) == nil)
    #expect(!place.holdsUnfinished(upload.key))
  }

  @Test("answers a checkpoint while it goes on writing, and before it ends", arguments: ForwarderUnderTest.allCases)
  func checkpointBeforeEnd(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    let first = 100_000 + subject.grain
    let upload = SinkUpload(key: .mint(), total: Int64(first + 200_000))
    let sink = try await SinkDriver.open(place.forwarder, upload)
    try await sink.write(pattern(first))
    try await sink.call { $0.checkpoint() }
    try await sink.write(pattern(200_000))
    try await sink.call { $0.finish() }
    let answer = await sink.nextButConsumed()
    guard case .safe(let offset, _) = answer, offset >= subject.safe(first) else {
      throw SinkDriver.Unexpected(event: answer)
    }
    let end = await sink.nextButConsumed()
    guard case .finished = end else { throw SinkDriver.Unexpected(event: end) }
  }

  @Test("takes 32 uploads at once, each byte for byte", arguments: ForwarderUnderTest.allCases)
  func parallel(_ subject: ForwarderUnderTest) async throws {
    let place = try await subject.make()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<32 {
        group.addTask {
          let bytes = pattern(150_000 + number * 1001, seed: UInt64(number + 10))
          var upload = Resumable(
            SinkUpload(
              key: .mint(), total: Int64(bytes.count), digest: number % 2 == 0 ? try digest(of: bytes) : nil),
            place.forwarder)
          var sink = try await upload.open(place.forwarder)
          var (offset, furthest) = (0, 0)
          while offset < bytes.count {
            let end = min(bytes.count, offset + 10_000 + number * 3000)
            try await sink.write(Array(bytes[offset..<end]))
            offset = end
            if offset % 3 == 0 { _ = try await sink.checkpoint() }
            // Where less is safe, it is sent again.
            if offset % 5 == 0, number % 4 < 2, offset > furthest {
              furthest = offset
              offset = try await upload.suspend(sink)
              #expect(offset == subject.safe(furthest))
              sink = try await upload.open(place.forwarder)
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
