import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("Coming back with the key")
struct TakeoverTests {
  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture()

  private func offered(total: Int64, writing count: Int) throws -> (front: TestFront, key: UploadKey) {
    let front = try fixture.open(fixture.request(total: total), on: loop)
    loop.run()
    if count > 0 { front.write(count) }
    return (front, try #require(front.offer?.key))
  }

  private func expectNothingHeld() {
    #expect(fixture.gateway.memory.bytesInUse == 0)
    #expect(fixture.gateway.connectedByRoute.isEmpty)
    #expect(fixture.forwarder.live.isEmpty)
    #expect(fixture.forwarder.violations.isEmpty)
    #expect(fixture.ledger.violations.isEmpty)
  }

  @Test("suspends the older connection first, and goes on behind its last byte")
  func takeover() throws {
    let (old, key) = try offered(total: 100, writing: 30)
    let new = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    #expect(old.said == ["offered 0..<100", "superseded", "suspended 30"])
    #expect(new.said == ["offered 30..<100"])
    old.write(10)
    new.write(70)
    new.upload?.finish()
    loop.run()
    #expect(new.last == "complete 100")
    expectNothingHeld()
  }

  @Test("goes on in the format that the upload began with, whatever the newer connection calls it")
  func recordedFormat() throws {
    let fixture = GatewayFixture(formats: [.bytes, .json])
    let old = try fixture.open(fixture.request(total: 100, format: .json), on: loop)
    loop.run()
    old.write(30)
    let key = try #require(old.offer?.key)
    let new = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    #expect(new.offer?.offset == 30 && new.offer?.format == .json)
    #expect(fixture.forwarder.opened.map(\.facts.format) == [.json, .json])
  }

  @Test("waits for an upload that is being finished, and hears that it is complete")
  func takeoverOfFinishing() throws {
    let (old, key) = try offered(total: 30, writing: 30)
    fixture.forwarder.isHeld = true
    old.upload?.finish()
    let new = try fixture.resume(key, total: 30, on: loop)
    loop.run()
    #expect(new.said.isEmpty)
    fixture.forwarder.isHeld = false
    while fixture.forwarder.sinks.last?.sayNext() == true {}
    loop.run()
    #expect(old.last == "complete 30")
    #expect(new.said == ["already complete 30"])
    expectNothingHeld()
  }

  @Test("leaves the upload to the newest of several")
  func newestWins() throws {
    let (old, key) = try offered(total: 100, writing: 30)
    fixture.forwarder.isHeld = true
    let second = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    let third = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    #expect(second.said == ["refused superseded"])
    while fixture.forwarder.sinks.first?.sayNext() == true {}
    loop.run()
    #expect(old.last == "suspended 30")
    // The third holds the key, and its sink is not open yet.
    let fourth = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    #expect(third.said.isEmpty)
    fixture.forwarder.isHeld = false
    for sink in fixture.forwarder.sinks { while sink.sayNext() {} }
    loop.run()
    #expect(third.said == ["refused superseded"])
    #expect(fourth.said == ["offered 30..<100"])
    fourth.upload?.leaveSilently()
    loop.run()
    expectNothingHeld()
  }

  @Test("by a connection that dies while it waits takes nothing")
  func deadWaiter() throws {
    let (old, key) = try offered(total: 100, writing: 30)
    fixture.forwarder.isHeld = true
    let dead = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    dead.upload?.leaveSilently()
    fixture.forwarder.isHeld = false
    while fixture.forwarder.sinks.last?.sayNext() == true {}
    loop.run()
    #expect(old.last == "suspended 30")
    #expect(dead.said.isEmpty)
    #expect(!fixture.ledger.calls.contains(.takeOver))
    expectNothingHeld()
  }

  @Test("by a connection that dies before the ledger has answered does not disturb the older one")
  func deadBeforeFound() throws {
    let (old, key) = try offered(total: 100, writing: 30)
    let dead = try fixture.resume(key, total: 100, on: loop)
    dead.upload?.leaveSilently()
    loop.run()
    #expect(old.said == ["offered 0..<100"])
    old.upload?.leaveSilently()
    loop.run()
    expectNothingHeld()
  }

  @Test("is refused alike for another client and a key that never was, and disturbs nobody")
  func strangers() throws {
    struct Tokens: TokenDirectory {
      func holder(of token: String) -> TokenHolder? { TokenHolder(id: Array(token.utf8), name: token) }
      func current(_ earlier: TokenHolder) -> TokenHolder? { earlier }
    }
    let fixture = GatewayFixture(
      access: RouteAccess(takesAnyone: true, takesCertificates: false, tokens: Tokens()))
    let owner = try fixture.open(fixture.request(total: 100, token: "alice"), on: loop)
    loop.run()
    let key = try #require(owner.offer?.key)
    let attempts: [(UploadKey, token: String?)] = [(key, "bob"), (key, nil), (UploadKey.mint(), "alice")]
    for (key, token) in attempts {
      for total in [100, 99] as [Int64] {
        let request = fixture.resumption(of: key, total: .value(total), format: .value(.bytes), token: token)
        let front = try fixture.resume(request, on: loop)
        loop.run()
        #expect(front.said == ["refused unknownUpload"])
      }
      let status = fixture.gateway.status(of: key, fixture.context(token: token), on: loop)
      let cancelled = fixture.gateway.cancel(key, fixture.context(token: token), on: loop)
      loop.run()
      #expect(throws: Refusal.unknownUpload) { try status.wait() }
      #expect(throws: Refusal.unknownUpload) { try cancelled.wait() }
    }
    #expect(owner.said == ["offered 0..<100"])
    owner.upload?.leaveSilently()
    loop.run()
  }

  @Test("to ask how it stands changes nothing")
  func status() throws {
    let (front, key) = try offered(total: 100, writing: 30)
    front.upload?.leave()
    loop.run()
    let before = fixture.ledger.uploads
    let account = fixture.gateway.status(of: key, fixture.context(), on: loop)
    loop.run()
    #expect(try account.wait().safe == 30)
    #expect(try account.wait().state == .open)
    #expect(fixture.ledger.uploads == before)
  }

  @Test("to cancel drops what is held, gives the quota back, and ends the connection that has it")
  func cancel() throws {
    let (front, key) = try offered(total: 100, writing: 30)
    let cancelled = fixture.gateway.cancel(key, fixture.context(), on: loop)
    loop.run()
    try cancelled.wait()
    #expect(front.said == ["offered 0..<100", "superseded", "suspended 30"])
    #expect(fixture.ledger.uploads.isEmpty)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
    #expect(fixture.forwarder.discarded == [key])
    let again = fixture.gateway.cancel(key, fixture.context(), on: loop)
    loop.run()
    #expect(throws: Refusal.unknownUpload) { try again.wait() }
    expectNothingHeld()
  }

  @Test("to cancel is refused for what is complete, also where it completes meanwhile")
  func cancelComplete() throws {
    let (front, key) = try offered(total: 30, writing: 30)
    front.upload?.finish()
    let cancelled = fixture.gateway.cancel(key, fixture.context(), on: loop)
    loop.run()
    #expect(front.last == "complete 30")
    #expect(throws: Refusal.unknownUpload) { try cancelled.wait() }
    #expect(fixture.ledger.used(GatewayFixture.path) == 30)
    #expect(fixture.forwarder.discarded.isEmpty)
    expectNothingHeld()
  }

  @Test("never calls the front from within the call, not even where the ledger answers at once")
  func neverFromWithin() throws {
    let front = try fixture.resume(UploadKey.mint(), total: 1, on: loop)
    _ = fixture.ledger.answerNext()
    #expect(front.said.isEmpty)
    loop.run()
    #expect(front.said == ["refused unknownUpload"])
  }
}
