import NIOCore
import XStream

// What a fault does to an upload over x-stream on its way, and what is expected of the server then.
extension XStreamCourse {
  /// What an exchange needs for the fault that is ahead.
  func prepare(_ job: inout ExchangeJob) {
    guard let fault = plan.fault else { return }
    switch fault.kind {
    case .cut, .vanish, .stall, .halfClose, .truncate, .takeOver:
      job.hold = plan.faultPlace
    case .drip:
      job.oneByOne = min(Int64(fault.bytes), plan.size)
    case .wrongDigest, .malformed:
      break
    }
  }

  /// Everything before the fault's place was handed on.
  func held(_ connection: LoadConnection) {
    guard !isOver, let fault = plan.fault else { return }
    point = connection.resumePoint
    faultIsAhead = false
    switch fault.kind {
    case .cut:
      connection.drop()
      goOn(fresh: true)
    case .vanish:
      connection.drop()
      self.connection = nil
      endAsExpected(.vanish, dropped: point?.key.text)
    case .stall:
      worker.schedule(in: TimeAmount(fault.time)) { [weak connection] in connection?.release() }
    case .halfClose:
      // The server takes it for a lost connection, and ends its own side.
      connection.endOutput()
      connection.isHeld = false
      connection.lastActivity = .now()
      connection.job?.content = nil
    case .truncate:
      connection.drop()
      step = .asking
      goOn(fresh: true)
    case .takeOver:
      rival = connection
      goOn(fresh: true)
    case .drip, .wrongDigest, .malformed:
      connection.release()
    }
  }

  private func goOn(fresh: Bool) {
    connection = nil
    goOnAfterFault(fresh: fresh)
  }

  // MARK: Truncation

  func answeredAfterTruncation(_ outcome: ClientOutcome) {
    switch (step, outcome.status) {
    case (.asking, .partial):
      step = .givingUp
      attempt(fresh: false)
    case (.givingUp, .ok):
      endAsExpected(.truncate, dropped: point?.key.text)
    case (.givingUp, .unknownKey) where mayBeGivenUp:
      endAsExpected(.truncate, dropped: point?.key.text)
    case (_, let status):
      guard status != .ok, status.isWorthRetrying else {
        return fail(.fault(.truncate, "\(step == .asking ? "an ask" : "a give-up") had status \(status.rawValue)"))
      }
      setBack(Setback(outcome), point)
    }
  }

  // MARK: Wrong digest

  func answeredToWrongDigest(_ outcome: ClientOutcome) {
    guard outcome.status == .digest else {
      return fail(.fault(.wrongDigest, "status \(outcome.status.rawValue) instead of 13"))
    }
    guard outcome.left == .known(plan.size) || (plan.kind.unknownTotal && outcome.left == .unlimited) else {
      return fail(.fault(.wrongDigest, "status 13, but something was kept"))
    }
    point = outcome.key.map { ResumePoint(key: $0) }
    endAsExpected(.wrongDigest, dropped: point?.key.text)
  }

  // MARK: Take-over

  /// The older connection is over.
  func rivalEnded(_ connection: LoadConnection, _ outcome: ClientOutcome?) {
    rival = nil
    connection.leave()
    if outcome?.status == .ok {
      fail(.fault(.takeOver, "the older connection had status 0"))
    } else if isTakenOver {
      endTakeOver()
    }
  }

  /// The newer one is complete, and the older one was never ended.
  func rivalStays() {
    guard !isOver, rival != nil else { return }
    fail(.fault(.takeOver, "the older connection was not ended"))
  }

  // MARK: Malformed

  func sendMalformed(_ connection: LoadConnection) {
    var plan = plan
    let bytes = MalformedPackets.packet(route: worker.targets[plan.target].url.route, using: &plan.random)
    connection.startRaw(bytes, for: self)
  }

  /// The answer to what was no packet.
  func heard(_ connection: LoadConnection, _ message: ServerMessage) {
    let status: Status?
    switch message {
    case .refusal(let refusal): status = refusal.status
    case .final(let final): status = final.status
    case .offer, .progress, .gaveUp: status = nil
    }
    self.connection = nil
    guard status == .malformed else {
      connection.drop()
      fail(.fault(.malformed, status.map { "status \($0.rawValue) instead of 1" } ?? "an offer"))
      return
    }
    connection.awaitEnd { [weak self] isEnded in
      guard let self else { return }
      if isEnded {
        self.endAsExpected(.malformed, dropped: point?.key.text)
      } else {
        self.fail(.fault(.malformed, "the connection was not closed after status 1"))
      }
    }
  }
}
