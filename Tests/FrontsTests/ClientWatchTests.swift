import NIOCore
import Testing

@testable import Fronts

struct ClientWatchTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
  private let timeouts = FrontTimeouts(head: .seconds(10), idle: .seconds(100), silence: .seconds(20))

  private func watch(_ phase: ClientWatch.Phase) -> ClientWatch {
    var watch = ClientWatch(timeouts: timeouts, now: start)
    watch.enter(phase, now: start)
    return watch
  }

  @Test(
    "each phase has its own patience, and its own verdict",
    arguments: [
      (ClientWatch.Phase.idle, Int64(100), ClientWatch.Verdict.close), (.head, 10, .headTooSlow), (.body, 20, .silent),
      (.draining, 2, .close),
    ])
  func patience(phase: ClientWatch.Phase, seconds: Int64, verdict: ClientWatch.Verdict) {
    let watch = watch(phase)
    let due = start + .seconds(seconds)
    #expect(watch.verdict(now: due - .nanoseconds(1)) == .lookAgain(due))
    #expect(watch.verdict(now: due) == verdict)
  }

  @Test("the gateway's own work may take as long as it takes")
  func ownWork() {
    #expect(watch(.ownWork).verdict(now: start + .hours(1000)) == .never)
  }

  @Test("bytes prolong a body, and never a head: a head that drips is no reason to wait")
  func touching() {
    var body = watch(.body)
    body.received(1, now: start + .seconds(15))
    #expect(body.verdict(now: start + .seconds(30)) == .lookAgain(start + .seconds(35)))
    var head = watch(.head)
    head.received(1, now: start + .seconds(9))
    #expect(head.verdict(now: start + .seconds(10)) == .headTooSlow)
  }

  @Test("entering the phase that it is in changes nothing")
  func sameAgain() {
    var watch = watch(.head)
    watch.enter(.head, now: start + .seconds(9))
    #expect(watch.verdict(now: start + .seconds(10)) == .headTooSlow)
  }

  @Test(
    "a client that does not read what it is told is let go in any phase", arguments: [ClientWatch.Phase.ownWork, .idle])
  func deaf(phase: ClientWatch.Phase) {
    var watch = watch(phase)
    watch.writability(isWritable: false, now: start + .seconds(5))
    watch.writability(isWritable: false, now: start + .seconds(15))
    #expect(watch.verdict(now: start + .seconds(24)) == .lookAgain(start + .seconds(25)))
    #expect(watch.verdict(now: start + .seconds(25)) == .close)
    watch.writability(isWritable: true, now: start + .seconds(24))
    #expect(watch.verdict(now: start + .seconds(25)) != .close)
  }

  @Test(
    "a client that does not read has no more time for its own part, and nobody looks again at a time that is over",
    arguments: [
      (ClientWatch.Phase.head, Int64(10), ClientWatch.Verdict.headTooSlow), (.body, 20, .silent), (.idle, 100, .close),
      (.draining, 2, .close),
    ])
  func deafAndSlow(phase: ClientWatch.Phase, seconds: Int64, verdict: ClientWatch.Verdict) {
    var watch = watch(phase)
    watch.writability(isWritable: false, now: start + .seconds(seconds - 1))
    #expect(watch.verdict(now: start + .seconds(seconds - 1)) == .lookAgain(start + .seconds(seconds)))
    #expect(watch.verdict(now: start + .seconds(seconds)) == verdict)
    #expect(watch.verdict(now: start + .seconds(seconds + 10)) == verdict)
  }
}
