import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("A ledger that did what it was asked, and whose answer was lost")
struct LostAnswerTests {
  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture()

  @Test("completes an upload once, and its client hears that it is complete", arguments: 1...4)
  func complete(times: Int) throws {
    let front = try fixture.open(fixture.request(total: 10), on: loop)
    loop.run()
    for _ in 0..<times { fixture.ledger.loseNextAnswer(.complete) }
    front.write(10)
    front.upload?.finish()
    loop.advanceTime(by: .seconds(10))
    #expect(front.said == ["offered 0..<10", "complete 10"])
    #expect(fixture.ledger.used(GatewayFixture.path) == 10)
    #expect(Set(fixture.ledger.completions).count == 1)
    #expect(fixture.ledger.completions.count == times + 1)
    #expect(fixture.observer.said == ["offered 0..<10", "ended: complete 10"])
  }

  @Test("releases an upload once, and its bytes go too", arguments: 1...4)
  func release(times: Int) throws {
    let front = try fixture.open(fixture.request(total: 10), on: loop)
    loop.run()
    fixture.forwarder.failNext(.write, .content(ContentFault(offset: 0, reason: "a test")))
    for _ in 0..<times { fixture.ledger.loseNextAnswer(.release) }
    front.write(10)
    loop.advanceTime(by: .seconds(10))
    #expect(front.said == ["offered 0..<10", "failed content 0"])
    #expect(fixture.ledger.uploads.isEmpty)
    #expect(fixture.forwarder.stored.isEmpty)
    #expect(fixture.forwarder.live.isEmpty)
    #expect(fixture.forwarder.reserved.isEmpty)
    #expect(fixture.observer.said == ["offered 0..<10", "ended: failed content 0"])
  }

  @Test("has dropped a payload that broke off")
  func payload() throws {
    let front = try fixture.open(fixture.request(total: 10, shape: .payload), on: loop)
    loop.run()
    fixture.ledger.loseNextAnswer(.release)
    front.write(4)
    front.upload?.leave()
    loop.advanceTime(by: .seconds(10))
    #expect(front.last == "suspended 0")
    #expect(fixture.ledger.uploads.isEmpty)
    #expect(fixture.forwarder.stored.isEmpty)
  }
}
