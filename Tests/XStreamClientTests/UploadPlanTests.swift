import Testing

@testable import XStream
@testable import XStreamClient

/// What follows a try, at moments that the test chooses.
@Suite struct UploadPlanTests {
  private static let policy = RetryPolicy(
    initialDelay: .seconds(1), maximumDelay: .seconds(10), patience: .seconds(60))

  private func plan(
    _ policy: RetryPolicy = policy, resume: ResumePoint? = nil, restartsUnknown: Bool = true
  ) throws -> UploadPlan {
    UploadPlan(
      policy: policy, resume: resume, restartsUnknown: restartsUnknown,
      with: Counterpart(url: try XStreamURL("xstream://host/in"), showsToken: true, showsCertificate: false), now: .zero
    )
  }

  private func answer(
    _ status: Status, left: Total? = .known(1), next: ClientOutcome.Next = .never
  ) -> ExchangeEnd {
    .answered(
      ClientOutcome(
        status: status, reason: "because", key: key, left: left, digest: nil, formats: [], reply: .none, next: next,
        connectionStays: false),
      reply: nil)
  }

  @Test("delays grow up to the longest, and jitter takes up to half away")
  func delays() {
    let policy = Self.policy
    #expect(
      [1, 2, 3, 4, 5, 60].map { policy.delay(failures: $0, jitter: 1) } == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
    #expect(policy.delay(failures: 2, jitter: 0) == .seconds(1))
  }

  @Test("status 0 is the end")
  func done() throws {
    var plan = try plan()
    guard case .done(let outcome) = plan.ended(answer(.ok, left: .known(0), next: .done), now: .zero, jitter: 1) else {
      Issue.record("an upload that is complete goes on")
      return
    }
    #expect(outcome.status == .ok)
  }

  @Test("a lost connection is followed by longer and longer delays, until the patience is over")
  func lost() throws {
    var plan = try plan()
    var now = Duration.zero
    var delays: [Duration] = []
    while case .again(let delay, let error) = plan.ended(.lost(.closed, nil), now: now, jitter: 1) {
      #expect(error.code == .connection)
      delays.append(delay)
      now += delay
    }
    // One more would end at 65 seconds.
    #expect(delays == [1, 2, 4, 8, 10, 10, 10, 10].map { .seconds($0) })
  }

  @Test("bytes that get safe begin the delays and the patience anew")
  func progress() throws {
    var plan = try plan()
    for _ in 1...3 { _ = plan.ended(.lost(.closed, nil), now: .zero, jitter: 1) }
    let point = ResumePoint(key: key, safe: 5)
    let first = plan.ended(.lost(.closed, point), now: .seconds(100), jitter: 1)
    #expect(first.delay == .seconds(1) && plan.point == point)
    // The same point again is no progress.
    let second = plan.ended(.lost(.closed, point), now: .seconds(101), jitter: 1)
    #expect(second.delay == .seconds(2))
  }

  @Test("a source that was slow costs no patience")
  func slowSource() throws {
    var plan = try plan()
    plan.sourceWasSlow(now: .seconds(1000))
    #expect(plan.notConnected(.unresolved, now: .seconds(1001), jitter: 1).delay == .seconds(1))
  }

  @Test("without patience there is one try")
  func impatient() throws {
    var plan = try plan(RetryPolicy(patience: .zero))
    #expect(plan.ended(.lost(.closed, nil), now: .zero, jitter: 0).error?.code == .connection)
  }

  @Test("the server's own delay counts where it is longer, with up to a tenth more")
  func retryAfter() throws {
    var plan = try plan()
    let busy = answer(.busy, left: nil, next: .retry(after: 20))
    #expect(plan.ended(busy, now: .zero, jitter: 0).delay == .seconds(20))
    #expect(plan.ended(busy, now: .zero, jitter: 1).delay == .seconds(22))
  }

  @Test(
    "what another try would not change fails at once",
    arguments: [Status.noRoute, .noStream, .format, .unauthorized, .tooLarge, .digest, .malformed])
  func final(status: Status) throws {
    var plan = try plan()
    #expect(plan.ended(answer(status), now: .zero, jitter: 0).error?.status == status)
  }

  @Test("a partial offer that took much is followed by the next at once, one that took little after a delay")
  func partial() throws {
    var plan = try plan()
    let much = ResumePoint(key: key, safe: 1 << 20)
    guard case .goOn = plan.ended(answer(.partial, next: .resume(much, after: nil)), now: .zero, jitter: 1) else {
      Issue.record("a MiB is not worth going on")
      return
    }
    #expect(plan.point == much)
    let little = ResumePoint(key: key, safe: 2 << 20 - 1)
    #expect(plan.ended(answer(.partial, next: .resume(little, after: nil)), now: .zero, jitter: 1).delay == .seconds(1))
    let asked = ResumePoint(key: key, safe: 8 << 20)
    #expect(plan.ended(answer(.partial, next: .resume(asked, after: 5)), now: .zero, jitter: 0).delay == .seconds(5))
  }

  @Test("what a backend took of a stream that it broke off is not safe")
  func backend() throws {
    var plan = try plan()
    let end = answer(.backend, next: .resume(ResumePoint(key: key, safe: 700), after: nil))
    let step = plan.ended(end, now: .zero, jitter: 1)
    #expect(step.delay == .seconds(1) && plan.point?.safe == 0)
  }

  @Test("an earlier run's stream that the server does not know is begun anew, unless the caller forbids it")
  func unknown() throws {
    var willing = try plan(resume: ResumePoint(key: key))
    guard case .restart(.unknown, nil, nil) = willing.ended(answer(.unknownKey), now: .zero, jitter: 1) else {
      Issue.record("an unknown stream is not begun anew")
      return
    }
    #expect(willing.point == nil && !willing.isUnconfirmed)
    var unwilling = try plan(resume: ResumePoint(key: key), restartsUnknown: false)
    #expect(unwilling.ended(answer(.unknownKey), now: .zero, jitter: 1).error?.status == .unknownKey)
  }

  @Test("a stream of this run that the server does not know any more is not begun anew")
  func takenOver() throws {
    var plan = try plan()
    plan.offered(ResumePoint(key: key))
    #expect(plan.ended(answer(.unknownKey), now: .zero, jitter: 1).error?.status == .unknownKey)
    var resumed = try self.plan(resume: ResumePoint(key: key))
    resumed.offered(ResumePoint(key: key, safe: 3))
    #expect(resumed.ended(answer(.unknownKey), now: .zero, jitter: 1).error?.status == .unknownKey)
  }

  @Test(
    "a stream of an earlier run that is gone is begun anew at once, this run's after a pause, and five times at most")
  func gone() throws {
    var plan = try plan(RetryPolicy(initialDelay: .seconds(1), patience: .seconds(600)), resume: ResumePoint(key: key))
    guard case .restart(.gone, nil, nil) = plan.ended(answer(.gone), now: .zero, jitter: 1) else {
      Issue.record("an earlier run's stream is not begun anew")
      return
    }
    for expected in [1, 2, 4, 8] {
      plan.offered(ResumePoint(key: key))
      guard case .restart(.gone, nil, .some(let pause)) = plan.ended(answer(.gone), now: .zero, jitter: 1) else {
        Issue.record("a stream of this run is not begun anew")
        return
      }
      #expect(pause.delay == .seconds(expected) && pause.error.status == .gone)
    }
    plan.offered(ResumePoint(key: key))
    #expect(plan.ended(answer(.gone), now: .zero, jitter: 1).error?.status == .gone)
  }

  @Test("a resume that is refused with status 12 counts as gone, and its key is given up")
  func goneAtAnOlderServer() throws {
    var plan = try plan(resume: ResumePoint(key: key))
    guard case .restart(.gone, key, nil) = plan.ended(answer(.backend, left: nil), now: .zero, jitter: 1) else {
      Issue.record("a resume that a backend refuses is not begun anew")
      return
    }
  }

  @Test("a fault of the server, of the source or of the request ends the upload, with where it stands")
  func faults() throws {
    let point = ResumePoint(key: key, safe: 9)
    var plan = try plan(resume: point)
    let violated = plan.ended(.violated("nonsense", nil), now: .zero, jitter: 1).error
    #expect(violated?.code == .violation && violated?.resumePoint == point)
    let source = plan.ended(.feedFailed(.sequence("torn"), nil), now: .zero, jitter: 1).error
    #expect(source?.code == .source && source?.resumePoint == point)
    #expect(plan.ended(.unsendable(.nothingAsked), now: .zero, jitter: 1).error?.code == .request)
  }
}

extension UploadPlan.Step {
  /// Of another try.
  fileprivate var delay: Duration? {
    if case .again(let delay, _) = self { delay } else { nil }
  }

  /// Of the end.
  fileprivate var error: UploadError? {
    if case .fail(let error) = self { error } else { nil }
  }
}
