import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("What a store has space for")
struct ReservedSpaceTests {
  let loop = EmbeddedEventLoop()

  @Test("is all that is offered of a stream, and the rest when there is more")
  func partial() throws {
    let fixture = GatewayFixture()
    fixture.forwarder.space = 600
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    #expect(front.said == ["offered 0..<600"])
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 600)
    front.write(600)
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended 600")
    let key = try #require(front.offer?.key)

    fixture.forwarder.space = 0
    let early = try fixture.resume(key, total: 1000, on: loop)
    loop.run()
    #expect(early.last?.hasPrefix("refused full") == true)

    fixture.forwarder.space = 5000
    let late = try fixture.resume(key, total: 1000, on: loop)
    loop.run()
    #expect(late.said == ["offered 600..<1000"])
    #expect(fixture.forwarder.reserved == [key: 400])
  }

  @Test("decides before the ledger: where it is nothing, nothing is recorded or stays reserved")
  func full() throws {
    let fixture = GatewayFixture()
    fixture.forwarder.space = 0
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    #expect(front.last?.hasPrefix("refused full") == true)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
    #expect(fixture.forwarder.reserved.isEmpty)
    #expect(fixture.gateway.connectedByRoute.isEmpty)
  }

  @Test("is reserved only as far as the quota goes, and not at all where that refuses")
  func quota() throws {
    let fixture = GatewayFixture(held: 300)
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    #expect(front.said == ["offered 0..<300"])
    #expect(Array(fixture.forwarder.reserved.values) == [300])
    let other = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    #expect(other.said == ["refused quota"])
    #expect(Array(fixture.forwarder.reserved.values) == [300])
  }

  @Test("is what an upload that comes back is offered, whatever it was granted before")
  func comesBack() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    #expect(front.said == ["offered 0..<1000"])
    front.write(400)
    front.upload?.leave()
    loop.run()
    #expect(fixture.forwarder.reserved.isEmpty)
    let key = try #require(front.offer?.key)
    fixture.forwarder.space = 250
    let next = try fixture.resume(key, total: 1000, on: loop)
    loop.run()
    #expect(next.said == ["offered 400..<650"])
    #expect(fixture.forwarder.reserved == [key: 250])
    next.write(250)
    next.upload?.leave()
    loop.run()
    #expect(next.last == "suspended 650")
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 1000)
  }

  @Test("is somebody else's again where the upload is refused after all, or nobody waits for it any more")
  func letGo() throws {
    let fixture = GatewayFixture()
    let gone = try fixture.open(fixture.request(total: 1000), on: loop)
    gone.upload?.leave()
    loop.run()
    #expect(fixture.forwarder.reserved.isEmpty)
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    front.upload?.leave()
    loop.run()
    let key = try #require(front.offer?.key)
    fixture.ledger.failNext(.takeOver)
    let failed = try fixture.resume(key, total: 1000, on: loop)
    loop.run()
    #expect(failed.last?.hasPrefix("refused") == true)
    #expect(fixture.forwarder.reserved.isEmpty)
    fixture.ledger.isHeld = true
    let vanished = try fixture.resume(key, total: 1000, on: loop)
    while fixture.ledger.calls.last != .takeOver {
      loop.run()
      _ = fixture.ledger.answerNext()
    }
    vanished.upload?.leave()
    while fixture.ledger.answerNext() { loop.run() }
    fixture.ledger.isHeld = false
    loop.run()
    #expect(fixture.forwarder.reserved.isEmpty)
    fixture.forwarder.failNext(.open, .storage("broken"))
    let broken = try fixture.resume(key, total: 1000, on: loop)
    loop.run()
    #expect(broken.last?.hasPrefix("refused") == true)
    #expect(fixture.forwarder.reserved.isEmpty)
  }

  @Test("may have to be waited for, and nothing is recorded meanwhile")
  func busy() throws {
    let fixture = GatewayFixture()
    fixture.forwarder.refusesReservations = Refusal.busy(retryAfter: 5)
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    #expect(front.said == ["refused busy(retryAfter: 5)"])
    #expect(fixture.ledger.uploads.isEmpty)
  }

  @Test("is not asked for by an upload of no bytes")
  func empty() throws {
    let fixture = GatewayFixture()
    fixture.forwarder.space = 0
    let front = try fixture.open(fixture.request(total: 0), on: loop)
    loop.run()
    front.upload?.finish()
    loop.run()
    #expect(front.last == "complete 0")
  }

  @Test("keeps for another window what it has no space to go on with, as its client is not gone")
  func renews() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 1000), on: loop)
    loop.run()
    front.write(400)
    front.upload?.leave()
    loop.run()
    let key = try #require(front.offer?.key)
    fixture.forwarder.space = 0
    fixture.clock.advance(byMilliseconds: 3_000_000)
    let later = try fixture.resume(key, total: 1000, on: loop)
    loop.run()
    #expect(later.last?.hasPrefix("refused full") == true)
    let record = try #require(fixture.ledger.uploads[key])
    #expect(record.committed == 400)
    #expect(record.expiresAt == fixture.clock.now.advanced(byMilliseconds: 3_600_000))
  }
}
