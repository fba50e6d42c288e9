import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("What a client declares when it goes on")
struct ResumeTests {
  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture(upload: 1000, formats: [.bytes, .json])

  /// An upload whose connection still has it: `safe` of its bytes are recorded, and `count` more have arrived.
  private func begun(
    total: Int64?, safe: Int = 30, writing count: Int = 0, format: DataFormat = .bytes
  ) throws -> (front: TestFront, key: UploadKey) {
    let front = try fixture.open(
      fixture.request(
        total: total, acknowledgeEvery: 1, format: format, label: "a label", metadata: ["type": "text/plain"]),
      on: loop)
    loop.run()
    if safe > 0 {
      front.write(safe)
      loop.advanceTime(by: .milliseconds(50))
      #expect(front.last == "safe \(safe)")
    }
    if count > 0 { front.write(count) }
    return (front, try #require(front.offer?.key))
  }

  private func left(total: Int64?, safe: Int = 30, format: DataFormat = .bytes) throws -> UploadKey {
    let (front, key) = try begun(total: total, safe: safe, format: format)
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended \(safe)")
    return key
  }

  private func expectSoundness() {
    #expect(fixture.forwarder.violations.isEmpty)
    #expect(fixture.ledger.violations.isEmpty)
  }

  // MARK: The format

  @Test(
    "decides nothing of the format: JSON that goes on as bytes stays JSON for its sink",
    arguments: [Declared<DataFormat?>.value(.bytes), .value(.json), .nothing])
  func recordedFormat(declared: Declared<DataFormat?>) throws {
    let key = try left(total: 100, format: .json)
    let next = try fixture.resume(fixture.resumption(of: key, format: declared), on: loop)
    loop.run()
    #expect(next.said == ["offered 30..<100"])
    #expect(next.offer?.format == .json)
    #expect(fixture.forwarder.opened.map(\.facts.format) == [.json, .json])
    expectSoundness()
  }

  @Test("is refused at once for a format that the route does not take, and disturbs nobody")
  func otherFormat() throws {
    let (front, key) = try begun(total: 100)
    for format in [nil, .text] as [DataFormat?] {
      #expect(throws: Refusal.format(accepted: [.bytes, .json])) {
        try fixture.resume(fixture.resumption(of: key, format: .value(format)), on: loop)
      }
    }
    loop.run()
    #expect(front.last == "safe 30")
  }

  @Test("leaves label, metadata and beginning as they are recorded")
  func recordedFacts() throws {
    let key = try left(total: 100)
    let next = try fixture.resume(fixture.resumption(of: key), on: loop)
    loop.run()
    #expect(next.said == ["offered 30..<100"])
    let (first, second) = (fixture.forwarder.opened[0].facts, fixture.forwarder.opened[1].facts)
    #expect(first == second)
    #expect(first.label == "a label" && first.metadata == ["type": "text/plain"])
    #expect(fixture.forwarder.opened.map(\.isResumed) == [false, true])
    #expect(fixture.ledger.uploads[key]?.facts == first)
  }

  // MARK: The offset

  @Test("is refused for an offset before what is recorded, and the older connection keeps the upload")
  func earlierOffset() throws {
    let (front, key) = try begun(total: 100, writing: 20)
    for offset in [0, 29] as [Int64] {
      let early = try fixture.resume(fixture.resumption(of: key, offset: offset), on: loop)
      loop.run()
      #expect(early.said == ["refused otherOffset(safe: 30)"])
    }
    #expect(!front.said.contains("superseded"))
    #expect(!fixture.ledger.calls.contains(.takeOver))
    front.write(50)
    front.upload?.finish()
    loop.run()
    #expect(front.last == "complete 100")
    expectSoundness()
  }

  @Test("is offered the offset that the older connection's last byte makes right")
  func offsetBehindLastByte() throws {
    let (front, key) = try begun(total: 100, writing: 20)
    let next = try fixture.resume(fixture.resumption(of: key, offset: 50), on: loop)
    loop.run()
    #expect(front.last == "suspended 50")
    #expect(next.said == ["offered 50..<100"])
    expectSoundness()
  }

  @Test("is refused for an offset behind what is safe, and gives back lease, space and lock")
  func laterOffset() throws {
    let key = try left(total: 100)
    let late = try fixture.resume(fixture.resumption(of: key, offset: 31), on: loop)
    loop.run()
    #expect(late.said == ["refused otherOffset(safe: 30)"])
    let last = try #require(fixture.ledger.advances.last)
    #expect(last.endsLease && last.from == 30 && last.to == 30 && last.epoch == 2)
    #expect(fixture.forwarder.reserved.isEmpty)
    #expect(fixture.gateway.connectedByRoute.isEmpty)
    let next = try fixture.resume(fixture.resumption(of: key, offset: 30), on: loop)
    loop.run()
    #expect(next.said == ["offered 30..<100"])
    expectSoundness()
  }

  @Test("ends a lease that nobody waits for any more when it comes")
  func goneBeforeLease() throws {
    let key = try left(total: 100)
    fixture.ledger.isHeld = true
    let gone = try fixture.resume(fixture.resumption(of: key), on: loop)
    while fixture.ledger.calls.last != .takeOver {
      loop.run()
      _ = fixture.ledger.answerNext()
    }
    gone.upload?.leave()
    fixture.ledger.isHeld = false
    while fixture.ledger.answerNext() { loop.run() }
    loop.run()
    #expect(gone.said == ["refused shutdown"])
    let last = try #require(fixture.ledger.advances.last)
    #expect(last.endsLease && last.from == 30 && last.to == 30 && last.epoch == 2)
    #expect(fixture.ledger.uploads[key]?.committed == 30)
    #expect(fixture.gateway.connectedByRoute.isEmpty)
    #expect(fixture.forwarder.reserved.isEmpty)
    expectSoundness()
  }

  // MARK: The total

  @Test(
    "is refused for another total, and the older connection keeps the upload",
    arguments: [(100, 99), (100, 101), (100, nil), (nil, 100)] as [(Int64?, Int64?)])
  func otherTotal(recorded: Int64?, declared: Int64?) throws {
    let (front, key) = try begun(total: recorded)
    let other = try fixture.resume(fixture.resumption(of: key, total: .value(declared)), on: loop)
    loop.run()
    #expect(other.said == ["refused otherTotal"])
    #expect(front.last == "safe 30")
    let same = try fixture.resume(fixture.resumption(of: key, total: .value(recorded)), on: loop)
    loop.run()
    #expect(same.said == ["offered 30..<\(recorded ?? 1000)"])
    expectSoundness()
  }

  @Test("records a late total, and gives back what was reserved beyond it")
  func lateTotal() throws {
    let key = try left(total: nil)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 1000)
    let next = try fixture.resume(fixture.resumption(of: key, lateTotal: 50), on: loop)
    loop.run()
    #expect(next.said == ["offered 30..<50"])
    #expect(next.offer?.total == 50)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 50)
    #expect(fixture.forwarder.reserved == [key: 20])
    #expect(fixture.ledger.uploads[key]?.facts.total == 50)
    #expect(fixture.forwarder.opened.last?.facts.total == 50)
    // Short of it nothing is complete.
    next.write(10)
    next.upload?.finish()
    loop.run()
    #expect(next.last == "suspended 40")
    let last = try fixture.resume(fixture.resumption(of: key, total: .value(50)), on: loop)
    loop.run()
    last.write(10)
    last.upload?.finish()
    loop.run()
    #expect(last.said == ["offered 40..<50", "complete 50"])
    #expect(fixture.ledger.used(GatewayFixture.path) == 50)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
    expectSoundness()
  }

  @Test("completes what has all its bytes by a late total alone")
  func lateTotalOfAll() throws {
    let key = try left(total: nil)
    let next = try fixture.resume(fixture.resumption(of: key, offset: 30, lateTotal: 30), on: loop)
    loop.run()
    #expect(next.said == ["offered 30..<30"])
    next.upload?.finish()
    loop.run()
    #expect(next.last == "complete 30")
    #expect(fixture.ledger.used(GatewayFixture.path) == 30)
    expectSoundness()
  }

  @Test("is refused for a late total that cannot be, and the older connection keeps the upload")
  func impossibleLateTotal() throws {
    let (unknown, key) = try begun(total: nil)
    let cases: [(Int64, String)] = [
      (29, "otherTotal"), (-1, "otherTotal"), (.min, "otherTotal"), (1001, "tooLarge(limit: 1000)"),
    ]
    for (total, refusal) in cases {
      let front = try fixture.resume(fixture.resumption(of: key, lateTotal: total), on: loop)
      loop.run()
      #expect(front.said == ["refused \(refusal)"])
    }
    #expect(unknown.last == "safe 30")
    let (known, other) = try begun(total: 100)
    let front = try fixture.resume(fixture.resumption(of: other, lateTotal: 99), on: loop)
    loop.run()
    #expect(front.said == ["refused otherTotal"])
    #expect(known.last == "safe 30")
    expectSoundness()
  }

  @Test("is refused for a late total below what the older connection has brought")
  func overtakenLateTotal() throws {
    let (front, key) = try begun(total: nil, writing: 20)
    let late = try fixture.resume(fixture.resumption(of: key, lateTotal: 40), on: loop)
    loop.run()
    #expect(front.last == "suspended 50")
    #expect(late.said == ["refused otherTotal"])
    #expect(fixture.ledger.uploads[key]?.facts.total == nil)
    #expect(fixture.forwarder.reserved.isEmpty)
    expectSoundness()
  }

  @Test("is judged once more by what another connection gave while it waited: a total, or a digest")
  func overtaken() throws {
    let one = try #require(ContentDigest(bytes: Array(repeating: 1, count: 32)))
    let other = try #require(ContentDigest(bytes: Array(repeating: 2, count: 32)))
    let key = try left(total: nil)
    // Both are found before either is leased.
    let first = try fixture.resume(fixture.resumption(of: key, lateTotal: 60), on: loop)
    let second = try fixture.resume(fixture.resumption(of: key, lateTotal: 70), on: loop)
    loop.run()
    #expect(first.last == "refused superseded" || first.last == "suspended 30")
    #expect(second.said == ["refused otherTotal"])
    #expect(fixture.ledger.uploads[key]?.facts.total == 60)
    let third = try fixture.resume(fixture.resumption(of: key, digest: one), on: loop)
    let fourth = try fixture.resume(fixture.resumption(of: key, digest: other), on: loop)
    loop.run()
    #expect(third.last == "refused superseded" || third.last == "suspended 30")
    #expect(fourth.said == ["refused otherDigest"])
    #expect(fixture.ledger.uploads[key]?.facts.digest == one)
    #expect(fixture.gateway.connectedByRoute.isEmpty)
    #expect(fixture.forwarder.reserved.isEmpty)
    expectSoundness()
  }

  // MARK: The digest

  @Test("gives a digest late, which stays, and is refused for another")
  func lateDigest() throws {
    let one = try #require(ContentDigest(bytes: Array(repeating: 1, count: 32)))
    let other = try #require(ContentDigest(bytes: Array(repeating: 2, count: 32)))
    let key = try left(total: 100)
    let first = try fixture.resume(fixture.resumption(of: key, digest: one), on: loop)
    loop.run()
    #expect(first.said == ["offered 30..<100"])
    #expect(fixture.forwarder.opened.last?.facts.digest == one)
    let second = try fixture.resume(fixture.resumption(of: key, digest: other), on: loop)
    loop.run()
    #expect(second.said == ["refused otherDigest"])
    #expect(first.said == ["offered 30..<100"], "it was not disturbed")
    #expect(fixture.ledger.uploads[key]?.facts.digest == one)
    expectSoundness()
  }
}
