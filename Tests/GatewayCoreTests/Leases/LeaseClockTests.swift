import NIOCore
import Testing

@testable import GatewayCore

/// What a macro may ask, though it changes.
private final class Counted {
  private var clock = LeaseClock()
  var end: NIODeadline? { clock.end }
  func tick(at now: NIODeadline) -> LeaseClock.Tick { clock.tick(at: now) }
  func prolonged(sentAt sent: NIODeadline) { clock.prolonged(sentAt: sent) }
  func failed() { clock.failed() }
  func ranOut() -> Bool { clock.ranOut() }
}

@Suite("A gateway's lease, as it counts it itself")
struct LeaseClockTests {
  private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(UInt64(seconds) * 1_000_000_000) }

  @Test("It lasts from before the call was sent, a little less than the ledger was asked for")
  func endsEarly() {
    let clock = Counted()
    #expect(clock.tick(at: at(100)) == LeaseClock.Tick(step: .prolong, hasRunOut: false))
    // The answer took three seconds.
    #expect(clock.tick(at: at(103)).step == .wait)
    clock.prolonged(sentAt: at(100))
    #expect(clock.end == at(114))
  }

  @Test("It is prolonged every five seconds, and looked at every one")
  func isProlonged() {
    let clock = Counted()
    clock.prolonged(sentAt: at(100))
    #expect((101...104).map { clock.tick(at: at($0)).step } == [.look, .look, .look, .look])
    #expect(clock.tick(at: at(105)).step == .prolong)
    clock.prolonged(sentAt: at(105))
    #expect(clock.tick(at: at(106)).step == .look)
  }

  @Test("A call that failed is made again at once, and the end is told once")
  func runsOut() {
    let clock = Counted()
    clock.prolonged(sentAt: at(100))
    for second in 105..<114 as Range<Int64> {
      #expect(clock.tick(at: at(second)) == LeaseClock.Tick(step: .prolong, hasRunOut: false))
      clock.failed()
    }
    #expect(clock.tick(at: at(114)) == LeaseClock.Tick(step: .prolong, hasRunOut: true))
    // Also while an answer is awaited, as after a stop of the whole process.
    #expect(clock.tick(at: at(200)) == LeaseClock.Tick(step: .wait, hasRunOut: false))
    clock.prolonged(sentAt: at(200))
    #expect(clock.tick(at: at(300)) == LeaseClock.Tick(step: .prolong, hasRunOut: true))
  }

  @Test("What the ledger says of the end is news once")
  func hearsOfEnd() {
    let clock = Counted()
    clock.prolonged(sentAt: at(100))
    #expect(clock.ranOut())
    #expect(!clock.ranOut())
    #expect(!clock.tick(at: at(200)).hasRunOut)
    clock.prolonged(sentAt: at(200))
    #expect(clock.ranOut())
  }
}
