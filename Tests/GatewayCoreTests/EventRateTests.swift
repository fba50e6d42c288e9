import NIOCore
import NIOEmbedded
import Testing

@testable import GatewayCore

@Suite("A rate of events")
struct EventRateTests {
  private let second: Int64 = 1_000_000_000

  @Test("lets a second's worth come at once, and then one after the other")
  func burst() {
    var rate = EventRate(now: 0)
    for _ in 0..<10 { #expect(rate.take(perSecond: 10, now: 0) == 0) }
    #expect(rate.take(perSecond: 10, now: 0) == second / 10)
    #expect(rate.take(perSecond: 10, now: second / 20) == second / 20)
    #expect(rate.take(perSecond: 10, now: second / 10) == 0)
    #expect(rate.take(perSecond: 10, now: second / 10) > 0)
    #expect(!rate.isFull(at: second) && rate.isFull(at: 2 * second))
  }

  @Test("never lets more come in the long run, however the time is cut")
  func longRun() {
    var rate = EventRate(now: 0)
    var count = 0
    for millisecond in 0..<20_000 where rate.take(perSecond: 7, now: Int64(millisecond) * 1_000_000) == 0 { count += 1 }
    #expect((7 * 20...7 * 21).contains(count), "\(count)")
  }

  @Test("lets those wait in turn who can, and turns away who would wait too long")
  func reserved() {
    var rate = EventRate(now: 0)
    let waits = (0..<14).map { _ in rate.reserve(perSecond: 10, now: 0, longest: 3 * second / 10) }
    #expect(waits[..<10].allSatisfy { $0 == 0 })
    #expect(waits[10...12].map { $0 } == [second / 10, 2 * second / 10, 3 * second / 10])
    #expect(waits[13] == nil)
    // Who was turned away has taken nothing.
    #expect(rate.reserve(perSecond: 10, now: second / 10, longest: 3 * second / 10) == 3 * second / 10)
  }

  @Test("is each client's own, of as many as are remembered, and those beyond share one")
  func bounded() {
    let rates = EventRates<Int>()
    for client in 0..<EventRates<Int>.most {
      for _ in 0..<2 { #expect(rates.take(client, perSecond: 2, now: 0) == 0) }
    }
    #expect(rates.take(5, perSecond: 2, now: 0) > 0)
    #expect(rates.take(-1, perSecond: 2, now: 0) == 0 && rates.take(-2, perSecond: 2, now: 0) == 0)
    #expect(rates.take(-3, perSecond: 2, now: 0) > 0)
    #expect(rates.count == EventRates<Int>.most)
    // All have waited long enough by then, and make room.
    #expect(rates.take(-3, perSecond: 2, now: 2 * second) == 0)
    #expect(rates.count == 1)
    rates.forgetFull(at: 4 * second)
    #expect(rates.count == 0)
  }

  @Test("bounds the uploads that a client begins, and names the time after which it may go on")
  func begun() throws {
    let loop = EmbeddedEventLoop()
    let fixture = GatewayFixture(clientLimits: ClientLimits(begun: 2))
    for _ in 0..<2 { _ = try fixture.open(fixture.request(total: 1), on: loop) }
    #expect(throws: Refusal.busy(retryAfter: 1)) { try fixture.open(fixture.request(total: 1), on: loop) }
    _ = try fixture.open(fixture.request(total: 1, address: "192.0.2.2"), on: loop)
    loop.advanceTime(by: .milliseconds(500))
    _ = try fixture.open(fixture.request(total: 1), on: loop)
    // Of IPv6, whoever has one address has 2^64 of them.
    for host in 1...2 { _ = try fixture.open(fixture.request(total: 1, address: "2001:db8::\(host)"), on: loop) }
    #expect(throws: Refusal.busy(retryAfter: 1)) {
      try fixture.open(fixture.request(total: 1, address: "2001:db8::3"), on: loop)
    }
    _ = try fixture.open(fixture.request(total: 1, address: "2001:db8:0:1::3"), on: loop)
  }
}

@Suite("What counts as one address")
struct AddressBlockTests {
  @Test("is all of IPv4, and the first half of IPv6")
  func blocks() throws {
    for (one, other, isSame) in [
      ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
      ("2001:db8::1", "2001:db8::ffff:1:2:3", true), ("2001:db8::1", "2001:db8:0:1::1", false),
      ("::ffff:192.0.2.1", "192.0.2.1", true), ("::1", "::2", true), ("::c000:201", "192.0.2.1", false),
    ] {
      let first = try #require(AddressBlock(one))
      #expect((first == AddressBlock(other)) == isSame, "\(one) \(other)")
    }
    #expect(AddressBlock("2001:db8:1:2::1")?.description == "2001:db8:1:2::/64")
    #expect(AddressBlock("192.0.2.1")?.description == "192.0.2.1")
    #expect(AddressBlock("unknown") == nil)
    #expect(try AddressBlock(SocketAddress(unixDomainSocketPath: "/a")) == nil)
  }
}
