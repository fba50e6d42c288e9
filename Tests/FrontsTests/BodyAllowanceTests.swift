import NIOCore
import Testing

@testable import Fronts

/// The time that a client has for its body, with a clock that is turned by hand.
struct BodyAllowanceTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
  private let progress = MinimumProgress(bytes: 64 << 10, every: .seconds(30))

  private func timeouts(progress: MinimumProgress?, upload: TimeAmount? = nil) -> FrontTimeouts {
    FrontTimeouts(head: .seconds(10), idle: .seconds(100), silence: .seconds(60), progress: progress, upload: upload)
  }

  private func running(_ timeouts: FrontTimeouts) -> BodyAllowance {
    var allowance = BodyAllowance(timeouts)
    allowance.run(true, now: start)
    return allowance
  }

  /// Brings `count` bytes in each `every`, until the time is used up or `limit` has passed.
  private func lasts(
    _ allowance: BodyAllowance, _ count: Int, every: TimeAmount, limit: TimeAmount
  ) -> TimeAmount? {
    var allowance = allowance
    var now = start
    while now < start + limit {
      now = now + every
      if let end = allowance.end, end.deadline <= now { return end.deadline - start }
      allowance.received(count, now: now)
    }
    return nil
  }

  @Test("a byte a second does not save a body, and neither does a kilobyte")
  func drips() throws {
    let byte = try #require(lasts(running(timeouts(progress: progress)), 1, every: .seconds(1), limit: .hours(1)))
    #expect(byte >= .seconds(60) && byte < .seconds(61))
    let more = try #require(lasts(running(timeouts(progress: progress)), 1000, every: .seconds(1), limit: .hours(1)))
    #expect(more > .seconds(60) && more < .seconds(120))
  }

  @Test("a line that is just fast enough lives, byte by byte and by records of 16 KiB")
  func justEnough() {
    let bound = timeouts(progress: progress)
    #expect(lasts(running(bound), 16 << 10, every: .milliseconds(7500), limit: .hours(24)) == nil)
    #expect(lasts(running(bound), 2185, every: .seconds(1), limit: .hours(24)) == nil)
    // All of it at once, and nothing for as long as it is good for.
    #expect(lasts(running(bound), 64 << 10, every: .seconds(30), limit: .hours(24)) == nil)
  }

  @Test("who was fast may pause for as long as it may be silent, and no longer")
  func saved() throws {
    var allowance = running(timeouts(progress: progress))
    allowance.received(1 << 30, now: start + .seconds(1))
    #expect(try #require(allowance.end) == (start + .seconds(61), .progress))
  }

  @Test("what the gateway makes the client wait for costs the client nothing")
  func ownTime() throws {
    var allowance = running(timeouts(progress: progress, upload: .seconds(90)))
    allowance.run(false, now: start + .seconds(40))
    #expect(allowance.end == nil)
    allowance.run(true, now: start + .hours(5))
    #expect(try #require(allowance.end) == (start + .hours(5) + .seconds(20), .progress))
    allowance.received(64 << 20, now: start + .hours(5))
    #expect(try #require(allowance.end) == (start + .hours(5) + .seconds(50), .time))
  }

  @Test("the time of a whole body counts from its own beginning, whatever came before on the connection")
  func another() throws {
    var allowance = running(timeouts(progress: nil, upload: .seconds(100)))
    allowance.received(1 << 30, now: start + .seconds(99))
    #expect(try #require(allowance.end) == (start + .seconds(100), .time))
    allowance.beginBody(now: start + .seconds(99))
    #expect(try #require(allowance.end) == (start + .seconds(199), .time))
  }

  @Test("without bounds there is no end")
  func unbounded() {
    #expect(running(timeouts(progress: nil)).end == nil)
  }

  @Test("a watch tells slowness from silence, and lets a body go on that is fast enough")
  func watched() {
    var watch = ClientWatch(timeouts: timeouts(progress: progress, upload: .hours(1)), now: start)
    watch.enter(.body, now: start)
    #expect(watch.verdict(now: start + .seconds(60)) == .silent)
    for second in 1...59 { watch.received(1, now: start + .seconds(Int64(second))) }
    #expect(watch.verdict(now: start + .seconds(61)) == .tooSlow)
    watch.enter(.ownWork, now: start + .seconds(59))
    #expect(watch.verdict(now: start + .hours(10)) == .never)
    watch.beginBody(now: start + .seconds(59))
    watch.enter(.body, now: start + .seconds(59))
    for second in 60...3658 { watch.received(4000, now: start + .seconds(Int64(second))) }
    #expect(watch.verdict(now: start + .seconds(3658)) == .lookAgain(start + .seconds(3659)))
    #expect(watch.verdict(now: start + .seconds(3659)) == .tookTooLong)
  }
}

private func == (
  one: (deadline: NIODeadline, of: BodyAllowance.Exhausted), other: (NIODeadline, BodyAllowance.Exhausted)
) -> Bool { one.deadline == other.0 && one.of == other.1 }
