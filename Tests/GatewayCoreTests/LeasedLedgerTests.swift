import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

/// One of several gateways over one ledger. Each has its own sinks; ``share(_:with:)`` is what a common place would show.
private struct SharedGateway: GatewayUnderTest {
  let forwarder = TestForwarder()
  let observer = TestObserver()
  let gateway: Gateway

  init(_ holder: String, over ledger: LeasedLedger, clock: TestClock) {
    let route = Route(
      path: GatewayFixture.path, formats: [.bytes], buffer: 1024...65536,
      limits: RouteLimits(upload: 1 << 30, held: 1000, concurrent: 100, unfinished: 100, payload: 1 << 20),
      resumeFor: .seconds(3600), takesStreams: true, access: .anyone)
    gateway = Gateway(
      destinations: [(route: route, forwarder: forwarder)], ledger: ledger,
      settings: GatewaySettings(window: 1 << 20, memory: 1 << 30, holder: holder, now: { clock.now }),
      observer: observer)
  }

  func share(_ key: UploadKey, with other: SharedGateway) {
    let safe = forwarder.stored[key]?.safe ?? 0
    other.forwarder.stored[key] = TestForwarder.Stored(written: safe, safe: safe)
  }
}

@OneThread
@Suite("Two gateways over one ledger")
struct LeasedLedgerTests {
  private let loop = EmbeddedEventLoop()
  private let clock = TestClock()
  private let ledger: LeasedLedger
  private let (a, b): (SharedGateway, SharedGateway)

  init() {
    ledger = LeasedLedger(clock: clock)
    a = SharedGateway("a", over: ledger, clock: clock)
    b = SharedGateway("b", over: ledger, clock: clock)
  }

  /// An upload of 100 bytes at `a`, of which 30 are recorded.
  private func begunAtA(shape: UploadRequest.Shape = .stream) throws -> (front: TestFront, key: UploadKey) {
    let front = try a.open(a.request(total: 100, shape: shape, acknowledgeEvery: 1), on: loop)
    loop.run()
    front.write(30)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.last == "safe 30")
    let key = try #require(front.offer?.key)
    #expect(ledger.holder(of: key) == "a")
    return (front, key)
  }

  private func expectSoundness() {
    #expect(ledger.violations.isEmpty)
    for gateway in [a, b] { #expect(gateway.forwarder.violations.isEmpty) }
  }

  private func passTime(seconds: Int64) {
    clock.advance(byMilliseconds: seconds * 1000)
  }

  // MARK: At the start and at expiry

  @Test("leave each other's uploads alone at the start, and see to those that nobody has")
  func recover() async throws {
    let (front, key) = try begunAtA()
    let (left, leftKey) = try begunAtA()
    left.upload?.leave()
    loop.run()
    #expect(ledger.holder(of: leftKey) == nil)
    // Were it asked, b's store would say so of either.
    b.forwarder.found = [key: .complete(size: 100), leftKey: .complete(size: 100)]
    let (a, b) = (a.gateway, b.gateway)
    let report = try await turning { try await b.recover(on: $0) }
    #expect(report.completed == [leftKey] && report.waiting == 0 && report.damaged.isEmpty)
    #expect(self.b.forwarder.recovered == [leftKey])
    #expect(ledger.uploads[key]?.state == .open)
    #expect(ledger.uploads[leftKey]?.state == .done)
    // What a connection of a's has, a's own recovery leaves alone too.
    #expect(try await turning { try await a.recover(on: $0) }.waiting == 0)
    #expect(self.a.forwarder.recovered.isEmpty)
    front.write(70)
    front.upload?.finish()
    loop.run()
    #expect(front.last == "complete 100")
    expectSoundness()
  }

  @Test("see to an upload at the start whose gateway died, once its lease has run out")
  func recoverAfterDeath() async throws {
    let (_, key) = try begunAtA()
    let gateway = b.gateway
    passTime(seconds: 14)
    #expect(try await turning { try await gateway.recover(on: $0) }.waiting == 0)
    passTime(seconds: 1)
    #expect(try await turning { try await gateway.recover(on: $0) }.waiting == 1)
    #expect(b.forwarder.recovered == [key])
  }

  @Test(
    "start although an upload that nobody had is taken over while the store is looked at", arguments: [true, false],
    [true, false])
  func takenOverDuringRecovery(isComplete: Bool, isDone: Bool) async throws {
    let (left, key) = try begunAtA()
    left.upload?.leave()
    loop.run()
    b.forwarder.found = [key: isComplete ? .complete(size: 100) : .broken]
    let ledger = ledger
    let request = LeaseRequest(key: key, holder: "a", quotas: [], wanted: 100, expiresAt: clock.now)
    let completion = Completion(key: key, epoch: 2, size: 100, charged: 100, digest: nil, at: clock.now)
    b.forwarder.whileRecovering = {
      // What is asked happens at once, whether or not the loop turns.
      let loop = EmbeddedEventLoop()
      _ = ledger.takeOver(request, on: loop)
      if isDone { _ = ledger.complete(completion, on: loop) }
      loop.run()
    }
    let gateway = b.gateway
    let report = try await turning { try await gateway.recover(on: $0) }
    #expect(report.completed.isEmpty && report.broken.isEmpty && report.damaged.isEmpty)
    #expect(ledger.uploads[key]?.state == (isDone ? .done : .open))
    #expect(ledger.uploads[key]?.epoch == 2)
    #expect(ledger.used(GatewayFixture.path) == (isDone ? 100 : 0))
    expectSoundness()
  }

  @Test("drop no upload that the other has, and keep their own by renewing what sends nothing")
  func expiry() async throws {
    // A payload is kept for a minute: far longer passes here.
    let (front, key) = try begunAtA(shape: .payload)
    let (a, b) = (a.gateway, b.gateway)
    for _ in 0..<30 {
      passTime(seconds: 8)
      #expect(try await turning { try await b.dropExpired(on: $0) }.isEmpty)
      #expect(try await turning { try await a.dropExpired(on: $0) }.isEmpty)
      #expect(ledger.holder(of: key) == "a")
    }
    front.write(70)
    front.upload?.finish()
    loop.run()
    #expect(front.last == "complete 100")
    #expect(self.b.forwarder.discarded.isEmpty)
    expectSoundness()
  }

  @Test("drop what has expired and nobody has, whoever had it last, once")
  func expiryOfTheDead() async throws {
    let (left, leftKey) = try begunAtA()
    left.upload?.leave()
    loop.run()
    // Its gateway dies under it.
    let (_, deadKey) = try begunAtA()
    let (a, b) = (SharedGateway("a", over: ledger, clock: clock).gateway, b.gateway)
    passTime(seconds: 3599)
    #expect(try await turning { try await b.dropExpired(on: $0) }.isEmpty)
    passTime(seconds: 1)
    #expect(Set(try await turning { try await b.dropExpired(on: $0) }) == [leftKey, deadKey])
    #expect(try await turning { try await a.dropExpired(on: $0) }.isEmpty)
    #expect(Set(self.b.forwarder.discarded) == [leftKey, deadKey])
    #expect(ledger.uploads.isEmpty)
  }

  // MARK: Taking over

  @Test("hand an upload over at once when its connection lets go")
  func takeOverAfterSuspend() throws {
    let (front, key) = try begunAtA()
    front.write(10)
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended 40")
    #expect(ledger.holder(of: key) == nil)
    a.share(key, with: b)
    let next = try b.resume(key, total: 100, on: loop)
    loop.run()
    #expect(next.said == ["offered 40..<100"])
    #expect(ledger.holder(of: key) == "b")
    next.write(60)
    next.upload?.finish()
    loop.run()
    #expect(next.last == "complete 100")
    expectSoundness()
  }

  @Test("tell a client to come back that the other has the upload, and do not disturb it")
  func held() throws {
    let (front, key) = try begunAtA()
    for _ in 0..<3 {
      let early = try b.resume(key, total: 100, on: loop)
      loop.run()
      #expect(early.said == ["refused busy(retryAfter: 1)"])
    }
    #expect(b.forwarder.reserved.isEmpty)
    #expect(b.forwarder.sinks.isEmpty)
    #expect(b.gateway.connectedByRoute.isEmpty)
    #expect(ledger.holder(of: key) == "a")
    front.write(70)
    front.upload?.finish()
    loop.run()
    #expect(front.said == ["offered 0..<100", "safe 30", "complete 100"])
    let late = try b.resume(key, total: 100, on: loop)
    loop.run()
    #expect(late.said == ["already complete 100"])
    expectSoundness()
  }

  @Test("keep a lease alive by each offset that is recorded")
  func advancing() throws {
    let (front, key) = try begunAtA()
    for _ in 0..<6 {
      passTime(seconds: 14)
      front.write(10)
      loop.advanceTime(by: .milliseconds(50))
      #expect(ledger.holder(of: key) == "a")
      let early = try b.resume(key, total: 100, on: loop)
      loop.run()
      #expect(early.said == ["refused busy(retryAfter: 1)"])
    }
    #expect(front.last == "safe 90")
  }

  @Test("take an upload over whose lease has run out, and fence what its last holder writes after that")
  func takeOverAfterTimeout() throws {
    let (front, key) = try begunAtA()
    front.write(20)
    loop.run()
    passTime(seconds: 15)
    a.share(key, with: b)
    let next = try b.resume(key, total: 100, on: loop)
    loop.run()
    #expect(next.said == ["offered 30..<100"])
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.said == ["offered 0..<100", "safe 30", "superseded", "suspended 30"])
    #expect(ledger.uploads[key]?.committed == 30)
    #expect(ledger.holder(of: key) == "b")
    next.write(70)
    next.upload?.finish()
    loop.run()
    #expect(next.last == "complete 100")
    #expect(ledger.used(GatewayFixture.path) == 100)
    #expect(a.observer.said.last == "ended: suspended 30")
    expectSoundness()
  }

  @Test(
    "fence a completion that comes too late, whether the upload is still under way or done", arguments: [true, false])
  func lateCompletion(isDone: Bool) throws {
    let (front, key) = try begunAtA()
    passTime(seconds: 15)
    a.share(key, with: b)
    let next = try b.resume(key, total: 100, on: loop)
    loop.run()
    next.write(70)
    if isDone {
      next.upload?.finish()
      loop.run()
    }
    front.write(70)
    front.upload?.finish()
    loop.advanceTime(by: .seconds(10))
    #expect(front.said == ["offered 0..<100", "safe 30", "superseded", "suspended 30"])
    if !isDone {
      next.upload?.finish()
      loop.run()
    }
    #expect(next.last == "complete 100")
    #expect(ledger.used(GatewayFixture.path) == 100)
    #expect(a.forwarder.sinks.allSatisfy { !$0.calls.contains("abandon") })
    expectSoundness()
  }

  @Test("do not renew what the other has taken over, nor drop it")
  func renewsNothingOfTheOther() async throws {
    let (_, key) = try begunAtA(shape: .payload)
    passTime(seconds: 20)
    a.share(key, with: b)
    let next = try b.resume(key, total: 100, on: loop)
    loop.run()
    #expect(next.said == ["offered 30..<100"])
    let expiresAt = try #require(ledger.uploads[key]).expiresAt
    passTime(seconds: 14)
    let gateway = a.gateway
    #expect(try await turning { try await gateway.dropExpired(on: $0) }.isEmpty)
    #expect(ledger.uploads[key]?.expiresAt == expiresAt)
    passTime(seconds: 1)
    #expect(ledger.holder(of: key) == nil, "b's lease has run out by its own clock")
    #expect(try await turning { try await gateway.dropExpired(on: $0) }.isEmpty)
    #expect(ledger.uploads[key]?.epoch == 2)
  }

  @Test("keep an upload whose lease ran out while nobody wanted it: its holder goes on")
  func goesOnAfterTimeout() throws {
    let (front, key) = try begunAtA()
    passTime(seconds: 60)
    #expect(ledger.holder(of: key) == nil)
    front.write(20)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.last == "safe 50")
    #expect(ledger.holder(of: key) == "a")
  }

  // MARK: Letting go without an upload

  @Test("let go of an upload at once that they refuse after all")
  func refusedAfterLease() throws {
    let (front, key) = try begunAtA()
    front.upload?.leave()
    loop.run()
    let elsewhere = try a.resume(a.resumption(of: key, offset: 31), on: loop)
    loop.run()
    #expect(elsewhere.said == ["refused otherOffset(safe: 30)"])
    #expect(ledger.holder(of: key) == nil)
    a.forwarder.space = 0
    let full = try a.resume(key, total: 100, on: loop)
    loop.run()
    #expect(full.said == ["refused full"])
    #expect(ledger.holder(of: key) == nil)
    #expect(ledger.uploads[key]?.committed == 30)
    expectSoundness()
  }

  @Test("let go of an upload at once that the quota leaves nothing of")
  func refusedByQuota() throws {
    let other = try a.open(a.request(total: 950), on: loop)
    loop.run()
    let part = try a.open(a.request(total: 100), on: loop)
    loop.run()
    #expect(part.said == ["offered 0..<50"])
    part.write(50)
    part.upload?.leave()
    loop.run()
    let key = try #require(part.offer?.key)
    let early = try a.resume(key, total: 100, on: loop)
    loop.run()
    #expect(early.said == ["refused quota"])
    #expect(ledger.holder(of: key) == nil)
    // As soon as there is more, either gateway may have it.
    let cancelled = a.gateway.cancel(try #require(other.offer?.key), a.context(), on: loop)
    loop.run()
    try cancelled.wait()
    a.share(key, with: b)
    let late = try b.resume(key, total: 100, on: loop)
    loop.run()
    #expect(late.said == ["offered 50..<100"])
    expectSoundness()
  }
}
