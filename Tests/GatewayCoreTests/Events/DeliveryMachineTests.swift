import GatewayCore
import Testing

@Suite("A delivery machine") struct DeliveryMachineTests {
  /// A machine, and the time that a test turns.
  private struct Course {
    var machine = DeliveryMachine(DeliveryMachine.Terms(atOnce: 3, tries: 5, giveUpAfter: 86_400_000))
    var now = WallTime(milliseconds: 1_000_000)

    /// What the ledger is asked for, and has; `nil` where nothing is asked.
    mutating func claim(_ events: [Event], nextDue: WallTime? = nil) -> Set<String>? {
      guard case .claim(let limit, let besides) = machine.next(at: now) else { return nil }
      let sent = machine.claimed(EventBatch(events: Array(events.prefix(limit)), nextDue: nextDue), asked: limit)
      #expect(sent.count == min(limit, events.count))
      return besides
    }

    mutating func wait(_ milliseconds: Int64) { now = now.advanced(byMilliseconds: milliseconds) }
  }

  private func event(_ number: Int, tries: Int = 0) -> Event {
    Event(
      id: "event-\(number)", target: "there", key: .mint(), kind: .completed, at: WallTime(milliseconds: 1_000_000),
      body: "{}", tries: tries)
  }

  @Test("sends no more at once than it may, and asks again once one has ended") func bounds() {
    var course = Course()
    #expect(course.claim((1...9).map { event($0) }) == [])
    #expect(course.machine.next(at: course.now) == .rest)
    #expect(course.machine.ended(event(1), .taken, at: course.now, chance: 0) == .delivered(hastens: false))
    #expect(course.machine.next(at: course.now) == .rest, "what is not recorded yet is still on its way")
    course.machine.settled("event-1")
    #expect(course.claim([event(4)]) == ["event-2", "event-3"])
    #expect(!course.machine.isIdle)
    for number in 2...4 { course.machine.settled("event-\(number)") }
    #expect(course.machine.isIdle)
  }

  @Test("waits for what is due later, and looks now and then for what nobody told it of") func waits() {
    var course = Course()
    _ = course.claim([], nextDue: course.now.advanced(byMilliseconds: 1200))
    #expect(course.machine.next(at: course.now) == .wait(1200))
    course.wait(1200)
    #expect(course.claim([], nextDue: course.now.advanced(byMilliseconds: 900_000)) == [])
    #expect(course.machine.next(at: course.now) == .wait(DeliveryMachine.lookEvery))
    course.machine.look()
    #expect(course.claim([]) == [])
  }

  @Test("waits longer after each try in vain, at most an hour, and never less than it was asked to")
  func backsOff() {
    var course = Course()
    course.machine.terms.tries = 100
    var waits: [Int64] = []
    for tries in 0..<16 {
      let verdict = course.machine.ended(event(1, tries: tries), .refused(reason: "no"), at: course.now, chance: 1)
      guard case .failed(let failure) = verdict, case .postponed(let until) = failure.consequence else {
        Issue.record("\(verdict)")
        return
      }
      #expect(failure.tries == tries + 1 && failure.reason == "no")
      waits.append(until.milliseconds - course.now.milliseconds)
    }
    #expect(waits.prefix(4) == [1000, 2000, 4000, 8000])
    #expect(waits.last == DeliveryMachine.longestWait)
    let asked = course.machine.ended(event(2), .refused(reason: "busy", retryAfter: 60_000), at: course.now, chance: 0)
    guard case .failed(let failure) = asked, case .postponed(let until) = failure.consequence else { return }
    #expect(until.milliseconds - course.now.milliseconds == 60_000)
  }

  @Test("gives an event up after so many tries, or after so long a time") func givesUp() {
    var course = Course()
    let byTries = course.machine.ended(event(1, tries: 4), .refused(reason: "no"), at: course.now, chance: 0)
    guard case .failed(let one) = byTries else {
      Issue.record("\(byTries)")
      return
    }
    #expect(one.consequence == .dead(at: course.now))
    let late = course.now.advanced(byMilliseconds: 86_400_000)
    let byTime = course.machine.ended(event(2), .refused(reason: "no"), at: late, chance: 0)
    guard case .failed(let two) = byTime else {
      Issue.record("\(byTime)")
      return
    }
    #expect(two.consequence == .dead(at: late) && two.tries == 1)
  }

  @Test("tries a target that is down with one event at a time, and hastens all once it is back")
  func probes() {
    var course = Course()
    _ = course.claim((1...3).map { event($0) })
    for number in 1...3 {
      _ = course.machine.ended(event(number), .refused(reason: "no"), at: course.now, chance: 0)
      course.machine.settled("event-\(number)")
    }
    #expect(course.machine.isDown)
    #expect(course.machine.next(at: course.now) == .wait(1000))
    course.wait(1000)
    #expect(course.claim([event(4)]) == [])
    #expect(course.machine.next(at: course.now) == .rest)
    _ = course.machine.ended(event(4), .refused(reason: "no"), at: course.now, chance: 0)
    course.machine.settled("event-4")
    #expect(course.machine.next(at: course.now) == .wait(2000))
    // A clock that is set back does not make the pause longer than it can be.
    #expect(course.claim([event(5)], nextDue: nil) == nil)
    let earlier = course.now.advanced(byMilliseconds: -100_000_000)
    guard case .claim = course.machine.next(at: earlier) else {
      Issue.record("the pause outlives the clock")
      return
    }
    _ = course.machine.claimed(EventBatch(events: [event(5)]), asked: 1)
    #expect(course.machine.ended(event(5), .taken, at: course.now, chance: 0) == .delivered(hastens: true))
    course.machine.settled("event-5")
    #expect(!course.machine.isDown)
    #expect(course.machine.next(at: course.now) == .claim(limit: 3, besides: []))
  }

  @Test("sends nothing twice at once, and asks a ledger that did not answer again after a while")
  func claimsAgain() {
    var course = Course()
    guard case .claim = course.machine.next(at: course.now) else {
      Issue.record("nothing is asked")
      return
    }
    course.machine.claimFailed(at: course.now)
    #expect(course.machine.next(at: course.now) == .wait(1000))
    course.wait(1000)
    _ = course.claim([event(1)])
    guard case .claim(let limit, _) = course.machine.next(at: course.now) else { return }
    #expect(course.machine.claimed(EventBatch(events: [event(1), event(2)]), asked: limit).map(\.id) == ["event-2"])
  }
}
