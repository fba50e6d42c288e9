import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("An upload on its connection")
struct UploadTests {
  let loop = EmbeddedEventLoop()

  private func expectNothingHeld(_ fixture: GatewayFixture) {
    #expect(fixture.gateway.memory.bytesInUse == 0)
    #expect(fixture.gateway.connectedByRoute.isEmpty)
    #expect(fixture.forwarder.live.isEmpty)
    #expect(fixture.forwarder.violations.isEmpty)
    #expect(fixture.ledger.violations.isEmpty)
  }

  @Test("is offered, takes its bytes, and is complete once store and ledger have it")
  func whole() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    #expect(front.said.isEmpty)
    loop.run()
    #expect(front.said == ["offered 0..<1000"])
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 1000)
    front.write(600)
    front.write(400)
    front.upload?.finish()
    #expect(fixture.gateway.memory.bytesInUse == 1000)
    loop.run()
    #expect(front.said == ["offered 0..<1000", "complete 1000"])
    #expect(fixture.ledger.used(GatewayFixture.path) == 1000)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
    expectNothingHeld(fixture)
  }

  @Test("of no bytes is complete")
  func empty() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 0), on: loop)
    loop.run()
    front.upload?.finish()
    loop.run()
    #expect(front.last == "complete 0")
    expectNothingHeld(fixture)
  }

  @Test("that is finished short of its total is left, never completed")
  func short() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    front.write(999)
    front.upload?.finish()
    loop.run()
    #expect(front.last == "suspended 999")
    expectNothingHeld(fixture)
  }

  @Test("gets what the quota leaves, and the rest when it comes back with more room")
  func partial() throws {
    let fixture = GatewayFixture(held: 1000)
    let other = try fixture.open(fixture.request(total: 400), on: loop)
    loop.run()
    let front = try fixture.open(fixture.request(total: 900), on: loop)
    loop.run()
    #expect(front.said == ["offered 0..<600"])
    front.write(600)
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended 600")
    let key = try #require(front.offer?.key)

    let early = try fixture.resume(key, total: 900, on: loop)
    loop.run()
    #expect(early.said == ["refused quota"])

    let otherKey = try #require(other.offer?.key)
    let cancelled = fixture.gateway.cancel(otherKey, fixture.context(), on: loop)
    loop.run()
    try cancelled.wait()
    #expect(other.said == ["offered 0..<400", "superseded", "suspended 0"])

    let late = try fixture.resume(key, total: 900, on: loop)
    loop.run()
    #expect(late.said == ["offered 600..<900"])
    late.write(300)
    late.upload?.finish()
    loop.run()
    #expect(late.last == "complete 900")
    #expect(fixture.ledger.used(GatewayFixture.path) == 900)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
    expectNothingHeld(fixture)
  }

  @Test("acknowledges what is safe and recorded, and no sooner")
  func acknowledgement() throws {
    let fixture = GatewayFixture(window: 64 << 20)
    let front = try fixture.open(fixture.request(total: 30 << 20, acknowledgeEvery: 1 << 20), on: loop)
    loop.run()
    fixture.ledger.isHeld = true
    front.write(20 << 20)
    loop.run()
    #expect(front.said == ["offered 0..<\(30 << 20)"])
    #expect(fixture.ledger.answerNext())
    #expect(front.said.dropFirst() == ["safe \(20 << 20)"])
    fixture.ledger.isHeld = false
    front.upload?.leaveSilently()
    loop.run()
    expectNothingHeld(fixture)
  }

  @Test("makes a few bytes safe when the client has been quiet")
  func quiet() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 1000, acknowledgeEvery: 100), on: loop)
    loop.run()
    front.write(300)
    loop.run()
    #expect(front.last == "offered 0..<1000")
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.last == "safe 300")
    front.upload?.leaveSilently()
    loop.run()
    expectNothingHeld(fixture)
  }

  @Test("pauses the client at its window, and lets it go on when half is passed on")
  func backpressure() throws {
    let fixture = GatewayFixture(window: 100)
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    fixture.forwarder.isHeld = true
    front.write(60)
    front.write(60)
    #expect(front.last == "paused")
    let sink = try #require(fixture.forwarder.sinks.last)
    #expect(sink.sayNext())
    #expect(front.last == "paused")
    #expect(sink.sayNext())
    #expect(front.last == "resumed")
    #expect(fixture.gateway.memory.bytesInUse == 0)
    fixture.forwarder.isHeld = false
    front.upload?.leaveSilently()
    loop.run()
    expectNothingHeld(fixture)
  }

  @Test(
    "keeps what is safe when the store fails, and goes on from there", arguments: [TestForwarder.Step.write, .finish])
  func storeFails(step: TestForwarder.Step) throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 1000, acknowledgeEvery: 100), on: loop)
    loop.run()
    front.write(300)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.last == "safe 300")
    fixture.forwarder.failNext(step)
    front.write(700)
    front.upload?.finish()
    loop.run()
    #expect(front.last == "failed full 300")
    let key = try #require(front.offer?.key)
    let again = try fixture.resume(key, total: 1000, on: loop)
    loop.run()
    #expect(again.said == ["offered 300..<1000"])
    again.write(700)
    again.upload?.finish()
    loop.run()
    #expect(again.last == "complete 1000")
    expectNothingHeld(fixture)
  }

  @Test("is refused, and nothing is kept, where the store cannot open it")
  func storeDoesNotOpen() throws {
    let fixture = GatewayFixture()
    fixture.forwarder.failNext(.open, .storage("no such folder"))
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    #expect(front.said == [#"refused storage("no such folder")"#])
    #expect(fixture.ledger.uploads.isEmpty)
    expectNothingHeld(fixture)
  }

  @Test("with another digest than announced is dropped and gives its quota back")
  func digestMismatch() throws {
    let fixture = GatewayFixture()
    let digest = try #require(ContentDigest(bytes: Array(repeating: 1, count: 32)))
    let front = try fixture.open(fixture.request(total: 10, digest: digest), on: loop)
    loop.run()
    fixture.forwarder.failNext(.finish, .digest(computed: digest))
    fixture.ledger.failNext(.release)
    front.write(10)
    front.upload?.finish()
    loop.run()
    loop.advanceTime(by: .seconds(1))
    #expect(front.last == "failed digest 0")
    #expect(fixture.ledger.uploads.isEmpty)
    #expect(fixture.forwarder.stored.isEmpty)
    expectNothingHeld(fixture)
  }

  @Test("is answered before its record is flushed where its place shows that it is complete, unless a window counts it")
  func evidence() throws {
    for limits in [ClientLimits(), ClientLimits(window: WindowLimit(bytes: 1000, every: .seconds(60)))] {
      let fixture = GatewayFixture(clientLimits: limits)
      let front = try fixture.open(fixture.request(total: 10), on: loop)
      loop.run()
      front.write(10)
      front.upload?.finish()
      loop.run()
      #expect(front.last == "complete 10")
      #expect(fixture.ledger.completions.map(\.isProvableFromDisk) == [limits.window == nil])
    }
  }

  @Test("is completed again when the ledger fails for a moment")
  func completesAgain() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 10), on: loop)
    loop.run()
    fixture.ledger.failNext(.complete, times: 2)
    front.write(10)
    front.upload?.finish()
    loop.advanceTime(by: .seconds(1))
    #expect(front.last == "offered 0..<10")
    loop.advanceTime(by: .seconds(1))
    #expect(front.last == "complete 10")
    #expect(fixture.ledger.used(GatewayFixture.path) == 10)
    expectNothingHeld(fixture)
  }

  @Test("is complete for its next connection, where the ledger could not be told for longer")
  func completedByTheNext() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 10), on: loop)
    loop.run()
    fixture.ledger.failNext(.complete, times: 5)
    front.write(10)
    front.upload?.finish()
    loop.advanceTime(by: .seconds(5))
    #expect(front.last == "failed storage 0")
    expectNothingHeld(fixture)
    let key = try #require(front.offer?.key)
    let next = try fixture.resume(key, total: 10, on: loop)
    loop.run()
    #expect(next.said == ["already complete 10"])
    #expect(fixture.ledger.uploads[key]?.state == .done)
    #expect(fixture.ledger.used(GatewayFixture.path) == 10)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
    expectNothingHeld(fixture)
  }

  @Test("is refused by a ledger that still fails when the next connection finds it complete, and then complete")
  func completedByTheOneAfter() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: nil), on: loop)
    loop.run()
    fixture.ledger.failNext(.complete, times: 10)
    front.write(10)
    front.upload?.finish()
    loop.advanceTime(by: .seconds(5))
    let key = try #require(front.offer?.key)
    let next = try fixture.resume(key, total: nil, on: loop)
    loop.advanceTime(by: .seconds(5))
    #expect(next.last?.hasPrefix("refused storage") == true)
    let last = try fixture.resume(key, total: nil, on: loop)
    loop.run()
    #expect(last.said == ["already complete 10"])
    expectNothingHeld(fixture)
  }

  @Test("is complete where the ledger has completed it, and only the answer was a failure")
  func completedUnheard() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 10), on: loop)
    loop.run()
    fixture.ledger.loseNextAnswer(.complete)
    front.write(10)
    front.upload?.finish()
    loop.advanceTime(by: .seconds(1))
    #expect(front.last == "complete 10")
    #expect(fixture.ledger.used(GatewayFixture.path) == 10)
    expectNothingHeld(fixture)
  }

  @Test("keeps its bytes for as long as the ledger has its record: what is to be dropped leaves the ledger first")
  func releaseFails() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 10), on: loop)
    loop.run()
    front.write(5)
    loop.advanceTime(by: .seconds(1))
    fixture.forwarder.failNext(.write, .content(ContentFault(offset: 7, reason: "a test")))
    fixture.ledger.failNext(.release, times: 5)
    front.write(5)
    loop.advanceTime(by: .seconds(5))
    #expect(front.last == "failed content 0")
    let key = try #require(front.offer?.key)
    #expect(fixture.ledger.uploads[key]?.committed == 5)
    #expect(fixture.forwarder.stored[key]?.safe == 5)
    // Its client has another try, which ends it.
    let next = try fixture.resume(key, total: 10, on: loop)
    loop.run()
    #expect(next.said == ["offered 5..<10"])
    fixture.forwarder.failNext(.write, .content(ContentFault(offset: 7, reason: "a test")))
    next.write(5)
    loop.run()
    #expect(fixture.ledger.uploads.isEmpty)
    #expect(fixture.forwarder.stored.isEmpty)
    expectNothingHeld(fixture)
  }

  @Test("outlives an offset that the ledger failed to record while the last bytes arrived")
  func recordFailsWhileCompleting() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 10, acknowledgeEvery: 1), on: loop)
    loop.run()
    fixture.ledger.isHeld = true
    fixture.ledger.failNext(.advance)
    front.write(5)
    loop.advanceTime(by: .milliseconds(50))
    front.write(5)
    front.upload?.finish()
    loop.run()
    #expect(fixture.ledger.calls.suffix(2) == [.advance, .complete])
    while fixture.ledger.answerNext() {}
    #expect(front.last == "complete 10")
    expectNothingHeld(fixture)
  }

  @Test("in one go is dropped when it breaks off")
  func payload() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 10, shape: .payload), on: loop)
    loop.run()
    fixture.forwarder.isHeld = true
    front.write(4)
    front.upload?.leaveSilently()
    #expect(fixture.gateway.memory.bytesInUse == 4)
    loop.run()
    #expect(front.said == ["offered 0..<10"])
    #expect(fixture.ledger.uploads.isEmpty)
    #expect(fixture.forwarder.stored.isEmpty)
    expectNothingHeld(fixture)
  }

  @Test("whose client is gone around the offer is kept only if it was offered", arguments: 0..<3)
  func goneBeforeOffer(turns: Int) throws {
    let fixture = GatewayFixture()
    fixture.ledger.isHeld = true
    fixture.forwarder.isHeld = true
    let front = try fixture.open(fixture.request(total: 10), on: loop)
    func turn() {
      loop.run()
      if !fixture.ledger.answerNext() { _ = fixture.forwarder.sinks.last?.sayNext() }
    }
    for _ in 0..<turns { turn() }
    let isOffered = front.offer != nil
    front.upload?.leaveSilently()
    for _ in 0..<6 { turn() }
    #expect(fixture.ledger.uploads.isEmpty != isOffered)
    expectNothingHeld(fixture)
  }

  @Test("above the route's concurrent uploads is told to come back")
  func busy() throws {
    let fixture = GatewayFixture(concurrent: 1)
    let first = try fixture.open(fixture.request(total: 10), on: loop)
    loop.run()
    let second = try fixture.open(fixture.request(total: 10), on: loop)
    loop.run()
    #expect(second.said == ["refused busy(retryAfter: 5)"])
    #expect(fixture.ledger.uploads.count == 1)
    first.upload?.leaveSilently()
    loop.run()
    expectNothingHeld(fixture)
  }
}
