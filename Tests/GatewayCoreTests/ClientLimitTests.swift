import NIOCore
import NIOEmbedded
import Testing

@testable import GatewayCore

@Suite("The limits of a client")
struct ClientLimitTests {
  private let loop = EmbeddedEventLoop()

  @Test("pause its uploads together when its bandwidth is used up, and let them go on in time")
  func bandwidth() throws {
    let fixture = GatewayFixture(clientLimits: ClientLimits(bandwidth: 1000))
    let first = try fixture.open(fixture.request(total: 10_000), on: loop)
    let second = try fixture.open(fixture.request(total: 10_000), on: loop)
    let other = try fixture.open(fixture.request(total: 10_000, address: "192.0.2.9"), on: loop)
    loop.run()
    first.write(250)
    #expect(!first.isPaused)
    first.write(250)
    #expect(first.isPaused)
    second.write(250)
    #expect(second.isPaused)
    other.write(250)
    #expect(!other.isPaused)
    loop.advanceTime(by: .milliseconds(249))
    #expect(first.isPaused)
    loop.advanceTime(by: .milliseconds(1))
    #expect(!first.isPaused)
    #expect(second.isPaused)
    loop.advanceTime(by: .milliseconds(250))
    #expect(!second.isPaused)
    #expect(first.said.filter { $0 == "paused" }.count == 1)
  }

  @Test("pause on the route's bandwidth whoever sends")
  func routeBandwidth() throws {
    let fixture = GatewayFixture(bandwidth: 1000)
    let first = try fixture.open(fixture.request(total: 10_000), on: loop)
    let other = try fixture.open(fixture.request(total: 10_000, address: "192.0.2.9"), on: loop)
    loop.run()
    first.write(500)
    other.write(250)
    loop.advanceTime(by: .milliseconds(250))
    #expect(!first.isPaused)
    #expect(other.isPaused)
    loop.advanceTime(by: .milliseconds(250))
    #expect(!other.isPaused)
  }

  @Test("hold back a client whose window is full until both reasons are gone")
  func twoReasons() throws {
    let fixture = GatewayFixture(window: 1000, clientLimits: ClientLimits(bandwidth: 1000))
    let front = try fixture.open(fixture.request(total: 10_000), on: loop)
    loop.run()
    fixture.forwarder.isHeld = true
    front.write(1250)
    #expect(front.isPaused)
    loop.advanceTime(by: .seconds(2))
    #expect(front.isPaused, "the sink has taken nothing")
    fixture.forwarder.isHeld = false
    while fixture.forwarder.sinks[0].sayNext() {}
    #expect(!front.isPaused)
    #expect(front.said.filter { $0 == "resumed" }.count == 1)
    front.write(1000)
    loop.run()
    #expect(front.isPaused, "the sink has taken all, but the bandwidth is used up")
    loop.advanceTime(by: .seconds(2))
    #expect(!front.isPaused)
  }

  @Test("leave no timer behind an upload that ends while it waits")
  func endsWhilePaused() throws {
    let fixture = GatewayFixture(clientLimits: ClientLimits(bandwidth: 100))
    let front = try fixture.open(fixture.request(total: 10_000), on: loop)
    loop.run()
    front.write(1000)
    #expect(front.isPaused)
    front.upload?.leave()
    loop.advanceTime(by: .seconds(60))
    #expect(front.last == "suspended 1000")
    #expect(fixture.forwarder.violations.isEmpty)
    // Another connection goes on, and the debt goes on with it.
    let again = try fixture.resume(try #require(front.offer).key, total: 10_000, on: loop)
    loop.run()
    again.write(9000)
    again.upload?.finish()
    loop.advanceTime(by: .seconds(1))
    #expect(again.last == "complete 10000")
  }

  @Test("refuse more uploads at once than one client may have, and no other client's")
  func concurrent() throws {
    let fixture = GatewayFixture(clientLimits: ClientLimits(concurrent: 1))
    let first = try fixture.open(fixture.request(total: 100), on: loop)
    let second = try fixture.open(fixture.request(total: 100), on: loop)
    let other = try fixture.open(fixture.request(total: 100, address: "192.0.2.9"), on: loop)
    loop.run()
    #expect(first.last == "offered 0..<100")
    #expect(second.last == "refused busy(retryAfter: 5)")
    #expect(other.last == "offered 0..<100")
    let takeover = try fixture.resume(try #require(first.offer).key, total: 100, on: loop)
    loop.run()
    #expect(takeover.last == "offered 0..<100")
  }

  @Test("are all or nothing where the route says so")
  func refuses() throws {
    let fixture = GatewayFixture(held: 50, onQuota: .refuse)
    let front = try fixture.open(fixture.request(total: 100), on: loop)
    let fitting = try fixture.open(fixture.request(total: 50), on: loop)
    loop.run()
    #expect(front.last == "refused quota")
    #expect(fitting.last == "offered 0..<50")
  }

  @Test("tell when to try again where only a window lacks")
  func retryAfter() throws {
    let fixture = GatewayFixture()
    let window = WindowLimit(bytes: 100, every: .seconds(60)).quota(subject: "", now: fixture.clock.now)
    #expect(window == QuotaCap(subject: "", window: 960_000, cap: 100, length: 60_000))
    fixture.ledger.failNext(.open, .quota(available: 0, windows: [window]))
    let front = try fixture.open(fixture.request(total: 100), on: loop)
    loop.run()
    #expect(front.last == "refused windowFull(retryAfter: 20)")
  }

  @Test("make many small uploads wait for each other, though each is there before it could be paused")
  func smallUploads() throws {
    let fixture = GatewayFixture(clientLimits: ClientLimits(bandwidth: 1000))
    func send(address: String = "192.0.2.1") throws -> TestFront {
      let front = try fixture.open(fixture.request(total: 500, shape: .payload, address: address), on: loop)
      front.onEvent = { [unowned front] event in
        guard case .offered = event else { return }
        front.write(500)
        front.upload?.finish()
      }
      loop.run()
      return front
    }
    let first = try send()
    #expect(first.last == "complete 500")
    let second = try send()
    let other = try send(address: "192.0.2.9")
    #expect(other.last == "complete 500")
    loop.advanceTime(by: .milliseconds(249))
    #expect(second.said.isEmpty)
    loop.advanceTime(by: .milliseconds(1))
    #expect(second.last == "complete 500")
    // One that is left while it waits is nobody's, and takes nothing.
    let third = try send()
    third.upload?.leave()
    loop.advanceTime(by: .seconds(1))
    #expect(third.last == "refused shutdown")
    #expect(fixture.ledger.uploads.values.allSatisfy { $0.state == .done })
  }
}
