import NIOCore
import NIOEmbedded
import Testing

@testable import GatewayCore

@Suite("A stream of unknown length")
struct GrantGrowthTests {
  private static let steps: ClosedRange<Int64> = (1 << 20)...(4 << 20)
  private let loop = EmbeddedEventLoop()

  private func fixture(held: Int64 = 1 << 40, upload: Int64 = 1 << 30, space: Int64 = 1 << 30) -> GatewayFixture {
    let fixture = GatewayFixture(held: held, upload: upload, growth: Self.steps)
    fixture.forwarder.space = space
    return fixture
  }

  private func begin(_ fixture: GatewayFixture, shape: UploadRequest.Shape = .stream) throws -> TestFront {
    let front = try fixture.open(fixture.request(total: nil, shape: shape), on: loop)
    loop.run()
    return front
  }

  private func write(_ count: Int, to front: TestFront, piece: Int = 100_000) {
    var left = count
    while left > 0 {
      front.write(min(left, piece))
      left -= min(left, piece)
      loop.run()
    }
  }

  private func expectNothingHeld(_ fixture: GatewayFixture) {
    loop.advanceTime(by: .seconds(5))
    #expect(fixture.forwarder.violations.isEmpty && fixture.ledger.violations.isEmpty)
    #expect(fixture.forwarder.reserved.isEmpty)
    #expect(fixture.gateway.memory.bytesInUse == 0)
    #expect(fixture.gateway.connectedByRoute.isEmpty)
  }

  @Test(
    "asks for as many bytes as have arrived, within bounds, once half of a step is left, and for one step at a time")
  func steps() {
    var growth = GrantGrowth(limit: 20, steps: 2...8)
    #expect(growth.first(from: 0) == 2)
    growth.leased(upTo: 2, from: 0)
    #expect(growth.ask(at: 1) == nil)
    #expect(growth.ask(at: 2) == 4)
    #expect(growth.ask(at: 3) == nil)
    growth.grew(to: 4)
    #expect(growth.ask(at: 4) == 8)
    growth.grew(to: 6)
    #expect(growth.ask(at: 6) == 12)
    growth.refused()
    // It may not need it at all.
    #expect(growth.ask(at: 6) == nil)
    #expect(growth.ask(at: 7) == 14)
    growth.grew(to: 14)
    #expect(growth.ask(at: 14) == 20)
    growth.grew(to: 20)
    #expect(growth.ask(at: 20) == nil && growth.ask(at: 21) == nil)
  }

  @Test("a first grant that is less than what was asked for is all that the stream is offered")
  func short() {
    var growth = GrantGrowth(limit: 20, steps: 8...8)
    growth.leased(upTo: 5, from: 0)
    #expect(growth.limit == 5 && growth.ask(at: 5) == nil)
    var resumed = GrantGrowth(limit: 20, steps: 8...8)
    resumed.leased(upTo: 5, from: 5)
    #expect(resumed.limit == 20)
  }

  @Test("does not keep out others: four at once get in on a store that one could fill, and each has a step")
  func four() throws {
    let fixture = fixture(space: 8 << 20)
    let fronts = try (0..<4).map { _ in try begin(fixture) }
    for front in fronts { #expect(front.said == ["offered 0..<\(1 << 30)"]) }
    #expect(fixture.forwarder.reserved.values.allSatisfy { $0 == 1 << 20 })
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 4 << 20)
    for front in fronts {
      write(1_500_000, to: front)
      front.upload?.finish()
      loop.run()
      #expect(front.last == "complete 1500000")
    }
    #expect(fixture.ledger.used(GatewayFixture.path) == 6_000_000)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
    expectNothingHeld(fixture)
  }

  @Test("is stopped in words where the store has no more, keeps what is safe, and goes on when there is more")
  func storeIsShort() throws {
    let fixture = fixture(space: 3 << 20)
    let front = try begin(fixture)
    write(4 << 20, to: front)
    #expect(front.last == "outgrown noRoom(GatewayCore.SpaceShortage.tooLittle) \(3 << 20)")
    let key = try #require(front.offer?.key)
    #expect(fixture.ledger.uploads[key]?.committed == 3 << 20)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 3 << 20)
    expectNothingHeld(fixture)
    fixture.forwarder.space = 30 << 20
    let next = try fixture.resume(key, total: nil, on: loop)
    loop.run()
    #expect(next.said == ["offered \(3 << 20)..<\(1 << 30)"])
    write(9 << 20, to: next)
    next.upload?.finish()
    loop.run()
    #expect(next.last == "complete \(12 << 20)")
    #expect(fixture.ledger.used(GatewayFixture.path) == 12 << 20)
    expectNothingHeld(fixture)
  }

  @Test("is exact with its quota: what is beyond it is refused in words, and what ends there is complete")
  func quotaIsShort() throws {
    let long = fixture(held: 3 << 20)
    let front = try begin(long)
    #expect(front.said == ["offered 0..<\(3 << 20)"])
    let other = try begin(long)
    write(2_500_000, to: front)
    #expect(front.last == "outgrown quota \(2 << 20)")
    #expect(long.ledger.reserved(GatewayFixture.path) == 3 << 20)
    other.upload?.leave()
    expectNothingHeld(long)

    let exact = fixture(held: 3 << 20)
    let whole = try begin(exact)
    write(3 << 20, to: whole)
    whole.upload?.finish()
    loop.run()
    #expect(whole.last == "complete \(3 << 20)")
    #expect(exact.ledger.used(GatewayFixture.path) == 3 << 20)
    expectNothingHeld(exact)
  }

  @Test("in one go leaves nothing behind where it turns out to be too long")
  func dropped() throws {
    let fixture = fixture(space: 3 << 20)
    let front = try begin(fixture, shape: .whole)
    write(4 << 20, to: front)
    #expect(front.last == "outgrown noRoom(GatewayCore.SpaceShortage.tooLittle) 0")
    #expect(fixture.ledger.uploads.isEmpty && fixture.forwarder.stored.isEmpty)
    expectNothingHeld(fixture)
  }

  @Test("is not read from while it waits for more, and ends only when its last byte has its place")
  func waits() throws {
    let fixture = fixture()
    let front = try begin(fixture)
    fixture.ledger.isHeld = true
    front.write(1_500_000)
    loop.run()
    #expect(front.isPaused)
    let key = try #require(front.offer?.key)
    #expect(fixture.forwarder.stored[key]?.written == 1 << 20)
    front.upload?.finish()
    loop.run()
    #expect(front.last == "paused")
    fixture.ledger.isHeld = false
    while fixture.ledger.answerNext() { loop.run() }
    loop.run()
    #expect(front.last == "complete 1500000")
    #expect(fixture.ledger.used(GatewayFixture.path) == 1_500_000)
    expectNothingHeld(fixture)
  }

  @Test("that is left or dropped while it asks for more has nothing reserved when the next connection comes")
  func leftWhileAsking() throws {
    for shape in [UploadRequest.Shape.stream, .whole] {
      let fixture = fixture()
      let front = try begin(fixture, shape: shape)
      fixture.forwarder.holdsGrowth = true
      front.write(1_500_000)
      loop.run()
      let key = try #require(front.offer?.key)
      front.upload?.leave()
      loop.run()
      let next = try fixture.resume(key, total: nil, on: loop)
      loop.run()
      // It has not ended, and so nobody else has it.
      #expect(front.last == "paused" && (shape == .whole || next.said.isEmpty))
      fixture.forwarder.holdsGrowth = false
      for answer in fixture.forwarder.heldGrowth { answer() }
      loop.run()
      #expect(front.last == (shape == .stream ? "suspended \(1 << 20)" : "suspended 0"))
      if shape == .stream {
        #expect(next.said == ["offered \(1 << 20)..<\(1 << 30)"])
        next.upload?.leave()
        loop.run()
      } else {
        #expect(next.said == ["refused unknownUpload"])
        #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
      }
      expectNothingHeld(fixture)
    }
  }

  @Test("asks again where it was refused before it needed more, and hears of what was taken over elsewhere")
  func asksAgain() throws {
    let fixture = fixture()
    let front = try begin(fixture)
    fixture.forwarder.nextShortage = .promised
    write(1_000_000, to: front)
    #expect(fixture.forwarder.nextShortage == nil && front.last == "offered 0..<\(1 << 30)")
    write(1_000_000, to: front)
    #expect(fixture.ledger.reserved(GatewayFixture.path) > 2_000_000)
    fixture.ledger.failNext(.extend, .fenced, times: 5)
    fixture.ledger.failNext(.advance, .fenced, times: 5)
    write(8 << 20, to: front)
    #expect(front.said.contains("superseded"))
    expectNothingHeld(fixture)
  }
}
