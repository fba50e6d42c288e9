import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import GatewayCore

/// Leases that answer as a test says.
private final class TestLeases: SharedLeases {
  struct State {
    /// Whether the ledger can be reached.
    var isThere = true
    /// Whether the lease has run out there.
    var hasRunOut = false
    var now = WallTime(milliseconds: 1_000_000)
    var wanted: [WantedUpload] = []
    var letGo: [UploadKey] = []
    var begun = 0
  }

  let state = Mutex(State())

  private func answer<Value: Sendable>(
    on eventLoop: any EventLoop, _ body: (inout State) -> Value
  ) -> EventLoopFuture<Value> {
    let answer = state.withLock { $0.isThere ? body(&$0) : nil }
    guard let answer else { return eventLoop.makeFailedFuture(LedgerError.away("test")) }
    return eventLoop.makeSucceededFuture(answer)
  }

  func prolong(
    of holder: String, for milliseconds: Int64, on eventLoop: any EventLoop
  ) -> EventLoopFuture<LeaseProlongation> {
    answer(on: eventLoop) { LeaseProlongation(isHeld: !$0.hasRunOut, now: $0.now) }
  }

  func begin(
    of holder: String, for milliseconds: Int64, on eventLoop: any EventLoop
  ) -> EventLoopFuture<LeaseProlongation> {
    answer(on: eventLoop) { state in
      state.begun += 1
      state.hasRunOut = false
      return LeaseProlongation(isHeld: true, now: state.now)
    }
  }

  func end(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<Void> { answer(on: eventLoop) { _ in } }

  func wanted(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[WantedUpload]> {
    answer(on: eventLoop) { $0.wanted }
  }

  func letGo(of upload: WantedUpload, by holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(on: eventLoop) { $0.letGo.append(upload.key) }
  }
}

@OneThread
@Suite("A gateway that is one of several")
struct LeaseKeeperTests: GatewayUnderTest {
  private let loop = EmbeddedEventLoop()
  private let clock = TestClock()
  private let leases = TestLeases()
  private let ledger = TestLedger()
  private let forwarder = TestForwarder()
  private let keeping: RepeatedTask?
  let gateway: Gateway

  init() throws {
    let route = Route(
      path: GatewayFixture.path, formats: [.bytes], buffer: 1024...65536,
      limits: RouteLimits(upload: 1 << 30, held: 1000, concurrent: 100, unfinished: 100, payload: 1 << 20),
      resumeFor: .seconds(3600), takesStreams: true, access: .anyone)
    let clock = clock
    let lease = LeaseKeeper(leases, holder: "here", machineTime: { clock.now })
    gateway = Gateway(
      destinations: [(route: route, forwarder: forwarder)], ledger: ledger,
      settings: GatewaySettings(window: 1 << 20, memory: 1 << 30, holder: "here", now: { lease.calendar(clock.now) }),
      lease: lease)
    try lease.begin(on: loop).wait()
    keeping = gateway.keepLease(on: loop)
  }

  private func begun() throws -> TestFront {
    let front = try open(request(total: 100, acknowledgeEvery: 1), on: loop)
    loop.run()
    front.write(30)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.last == "safe 30")
    return front
  }

  @Test("suspends what is under way when its lease has run out, and takes nothing until it has one again")
  func suspends() throws {
    let front = try begun()
    loop.advanceTime(by: .seconds(30))
    front.write(10)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.last == "safe 40")
    leases.state.withLock { $0.isThere = false }
    loop.advanceTime(by: .seconds(9))
    #expect(front.last == "safe 40")
    loop.advanceTime(by: .seconds(6))
    #expect(front.last?.hasPrefix("failed") == true, "\(front.last ?? "nothing")")
    #expect(throws: Refusal.self) { try open(request(total: 10), on: loop) }
    leases.state.withLock { $0.isThere = true }
    loop.advanceTime(by: .seconds(2))
    _ = try begun()
    #expect(forwarder.violations.isEmpty)
  }

  @Test("takes no byte that arrives after the end of its lease, also where it was stopped and nothing has told it")
  func isLate() throws {
    let front = try begun()
    keeping?.cancel()
    loop.advanceTime(by: .seconds(15))
    front.write(10)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.last?.hasPrefix("failed") == true, "\(front.last ?? "nothing")")
    #expect(forwarder.stored[try #require(front.offer?.key)]?.written == 30)
  }

  @Test("begins its lease anew where the ledger says that it has run out, and suspends what it had")
  func beginsAgain() throws {
    let front = try begun()
    leases.state.withLock { $0.hasRunOut = true }
    loop.advanceTime(by: .seconds(6))
    #expect(front.last == "suspended 30", "\(front.last ?? "nothing")")
    #expect(leases.state.withLock { $0.begun } == 2)
    _ = try begun()
  }

  @Test("lets go of what is wanted elsewhere, whether or not a connection has it")
  func letsGo() throws {
    let front = try begun()
    let key = try #require(front.offer?.key)
    let other = UploadKey.mint()
    leases.state.withLock { state in
      state.wanted = [key, other].map { WantedUpload(key: $0, epoch: 1, route: GatewayFixture.path) }
    }
    loop.advanceTime(by: .seconds(1))
    #expect(front.last == "suspended 30", "\(front.last ?? "nothing")")
    #expect(leases.state.withLock { $0.letGo } == [other])
  }

  @Test("goes by the ledger's calendar where this machine's is another")
  func keepsTime() {
    #expect(gateway.settings.now() == WallTime(milliseconds: 1_000_000))
    leases.state.withLock { $0.now = WallTime(milliseconds: 4_600_000) }
    loop.advanceTime(by: .seconds(6))
    #expect(gateway.settings.now() == WallTime(milliseconds: 4_600_000))
    // What the way to the ledger may take changes nothing.
    leases.state.withLock { $0.now = WallTime(milliseconds: 4_601_500) }
    loop.advanceTime(by: .seconds(6))
    #expect(gateway.settings.now() == WallTime(milliseconds: 4_600_000))
  }
}
