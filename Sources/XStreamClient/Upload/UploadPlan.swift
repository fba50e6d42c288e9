import XStream

/// Decides after each try whether an upload is over, and when it goes on. It does no I/O and knows no clock.
struct UploadPlan {
  /// What comes next.
  enum Step {
    case done(ClientOutcome)
    case fail(UploadError)
    /// The server does not know the stream of an earlier run, or can never complete it: begin a new one, after the
    /// pause. What the key of `forgotten` holds at the server nobody wants any more.
    case restart(UploadRestart, forgotten: StreamKey?, pause: UploadPause?)
    /// Try again after the delay.
    case again(after: Duration, because: UploadError)
    /// What was offered is full: ask for more at once.
    case goOn
  }

  /// An offer that took this much, in bytes, is followed by the next without a delay.
  private static let worthGoingOn: Int64 = 1 << 20
  /// How often a stream that is gone is begun anew: what is behind the server may break at the same byte each time.
  private static let mostRestarts = 5

  let server: Counterpart
  /// Where the stream stands; nil before there is one.
  private(set) var point: ResumePoint?
  /// The point is from an earlier run, and the server has not answered for it yet.
  private(set) var isUnconfirmed: Bool
  private let restartsUnknown: Bool
  private var patience: Patience
  private var restarts = 0

  /// - Parameter now: of a clock that never goes back, from any beginning.
  init(
    policy: RetryPolicy, resume: ResumePoint?, restartsUnknown: Bool, with server: Counterpart, now: Duration
  ) {
    patience = Patience(policy, now: now)
    self.server = server
    point = resume
    isUnconfirmed = resume != nil
    self.restartsUnknown = restartsUnknown
  }

  /// The server made an offer.
  mutating func offered(_ offer: ResumePoint) {
    isUnconfirmed = false
    if point == nil { point = offer }
  }

  /// The source had nothing to send: that time does not count.
  mutating func sourceWasSlow(now: Duration) {
    patience.sourceWasSlow(now: now)
  }

  /// A try has ended.
  ///
  /// - Parameter jitter: 0 to 1, at random.
  mutating func ended(_ end: ExchangeEnd, now: Duration, jitter: Double) -> Step {
    switch end {
    case .answered(let outcome, _): return answered(outcome, now: now, jitter: jitter)
    case .lost(let loss, let point):
      _ = advance(to: point, now: now)
      return again(loss.error(self.point, with: server), now: now, jitter: jitter)
    case .violated(let text, let point): return .fail(.violation(text, point ?? self.point, from: server))
    case .feedFailed(let error, let point): return .fail(error.error(point ?? self.point))
    case .unsendable(let error): return .fail(.request(error))
    }
  }

  /// No connection was made.
  mutating func notConnected(_ loss: ConnectionLoss, now: Duration, jitter: Double) -> Step {
    again(loss.error(point, with: server), now: now, jitter: jitter)
  }

  private mutating func answered(_ outcome: ClientOutcome, now: Duration, jitter: Double) -> Step {
    if outcome.status == .ok { return .done(outcome) }
    if outcome.status == .unknownKey, isUnconfirmed, restartsUnknown {
      point = nil
      isUnconfirmed = false
      return .restart(.unknown, forgotten: nil, pause: nil)
    }
    if let point, isGone(outcome) { return startOver(outcome, point.key, now: now, jitter: jitter) }
    var gained: Int64 = 0
    if case .resume(var point, _) = outcome.next {
      // What a backend took of a stream that it broke off is not safe with it.
      if outcome.status == .backend { point.safe = 0 }
      gained = advance(to: point, now: now)
    }
    var error = UploadError.answer(outcome, from: server)
    if outcome.status == .backend { error.resumePoint?.safe = 0 }
    error.resumePoint = error.resumePoint ?? point
    if outcome.status == .partial, error.retryAfter == nil, gained >= Self.worthGoingOn { return .goOn }
    return again(error, now: now, jitter: jitter)
  }

  /// Status 17; and from a server that does not know it, a resume that is refused with status 12 (docs/protocol.md,
  /// section 8).
  private func isGone(_ outcome: ClientOutcome) -> Bool {
    outcome.status == .gone || outcome.status == .backend && outcome.left == nil
  }

  private mutating func startOver(
    _ outcome: ClientOutcome, _ key: StreamKey, now: Duration, jitter: Double
  ) -> Step {
    var error = UploadError.answer(outcome, from: server)
    error.resumePoint = ResumePoint(key: key)
    error.isWorthAnotherTry = true
    let isEarlier = isUnconfirmed
    guard restartsUnknown || !isEarlier, restarts < Self.mostRestarts else { return .fail(error) }
    restarts += 1
    (point, isUnconfirmed) = (nil, false)
    // A server that says that it is gone holds nothing of it.
    let forgotten = outcome.status == .gone ? nil : key
    // This run has sent no bytes in vain yet, so there is no reason to wait.
    if isEarlier { return .restart(.gone, forgotten: forgotten, pause: nil) }
    guard case .again(let delay, _) = again(error, now: now, jitter: jitter) else { return .fail(error) }
    return .restart(.gone, forgotten: forgotten, pause: UploadPause(error: error, delay: delay))
  }

  /// - Returns: the bytes that got safe.
  private mutating func advance(to point: ResumePoint?, now: Duration) -> Int64 {
    guard let point else { return 0 }
    let gained = point.safe - (self.point?.safe ?? 0)
    self.point = point
    if gained > 0 { patience.progressed(now: now) }
    return gained
  }

  private mutating func again(_ error: UploadError, now: Duration, jitter: Double) -> Step {
    guard let delay = patience.delay(after: error, now: now, jitter: jitter) else { return .fail(error) }
    return .again(after: delay, because: error)
  }
}
