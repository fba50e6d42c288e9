import NIOCore
import XStream

/// An upload over x-stream.
final class XStreamCourse: UploadCourse, ExchangeOwner {
  /// What the exchange under way is for.
  enum Step {
    case uploading
    /// After a truncation: what does the server have?
    case asking
    /// After the answer: drop it.
    case givingUp
  }

  var point: ResumePoint?
  var step = Step.uploading
  /// The connection that the next answer comes over.
  var connection: LoadConnection?
  /// The older connection of a take-over.
  var rival: LoadConnection?
  /// Whether a give-up was sent whose answer never came: the server may have done what it said.
  var mayBeGivenUp = false
  /// Whether a take-over's newer connection completed the upload.
  var isTakenOver = false

  override func connect(fresh: Bool) {
    if !fresh, !isUnpooled, let idle: LoadConnection = worker.supply.takeIdle(place) {
      use(idle)
      return
    }
    let asked = NIODeadline.now()
    worker.supply.connect(place) { [weak self] (result: Result<LoadConnection, Setback>) in
      guard let self, !self.isOver else {
        if case .success(let connection) = result { connection.leave() }
        return
      }
      switch result {
      case .success(let connection):
        if !self.isFaulty { self.recorder.connect(.now() - asked) }
        self.use(connection)
      case .failure(let setback):
        self.setBack(setback, self.point)
      }
    }
  }

  private func use(_ connection: LoadConnection) {
    self.connection = connection
    if faultIsAhead, plan.fault?.kind == .malformed {
      sendMalformed(connection)
      return
    }
    var job = ExchangeJob(request: request, point: point, content: plan.content)
    if faultIsAhead { prepare(&job) }
    requestAt = .now()
    connection.start(job, for: self)
  }

  // MARK: What the server says

  func offered(_ connection: LoadConnection, from offset: Int64) {
    offered()
    if connection === self.connection, let rival {
      // The older connection goes on sending, to a stream that it has lost.
      rival.release()
    }
  }

  func answered(_ connection: LoadConnection, _ outcome: ClientOutcome) {
    guard !isOver else { return }
    recorder.checked(.final)
    if outcome.digest != nil, plan.digest != nil { recorder.checked(.digest) }
    if connection === rival {
      rivalEnded(connection, outcome)
      return
    }
    if !isFaulty, outcome.status == .ok, let last = connection.lastByteAt { recorder.final(.now() - last) }
    self.connection = nil
    worker.supply.giveBack(connection)
    switch step {
    case .asking, .givingUp: answeredAfterTruncation(outcome)
    case .uploading where isFaulty && plan.fault?.kind == .wrongDigest && !outcome.status.isWorthRetrying:
      answeredToWrongDigest(outcome)
    case .uploading: answeredToUpload(outcome)
    }
  }

  private func answeredToUpload(_ outcome: ClientOutcome) {
    switch outcome.next {
    case .done:
      if let key = outcome.key { recorder.book { $0.complete(key.text, size: plan.size) } }
      if rival != nil {
        isTakenOver = true
        worker.schedule(in: .seconds(5)) { [weak self] in self?.rivalStays() }
      } else {
        complete()
      }
    case .resume(let point, let after):
      setBack(Setback(outcome), point, after: after)
    case .retry(let after):
      setBack(Setback(outcome), nil, after: after)
    case .never:
      fail(Setback(outcome))
    }
  }

  func failed(_ connection: LoadConnection, _ setback: Setback, _ point: ResumePoint?) {
    guard !isOver else { return }
    if connection === rival {
      rivalEnded(connection, nil)
      return
    }
    self.connection = nil
    setBack(setback, point)
  }

  /// Nothing moved for too long, unless it is this side that waits.
  override func checkSilence(_ now: NIODeadline, longest: TimeAmount) {
    guard let connection, !connection.isHeld, now - connection.lastActivity > longest else { return }
    let point = connection.resumePoint ?? self.point
    connection.drop()
    self.connection = nil
    setBack(.silent(Double(longest.nanoseconds) / 1e9), point)
  }

  // MARK: Going on

  /// Another attempt, or the end.
  func setBack(_ setback: Setback, _ point: ResumePoint?, after: Int64? = nil) {
    guard !isOver else { return }
    // A rival's connection is of no use to a new attempt.
    rival?.drop()
    rival = nil
    // With a point the stream is resumed by its key. Without one the upload begins anew.
    self.point = point
    if step == .givingUp { mayBeGivenUp = true }
    tryAgain(after: setback, resumes: point != nil, in: after)
  }

  /// The older connection of a take-over is where it should be.
  func endTakeOver() { complete() }

  override func drop() {
    rival?.drop()
    rival = nil
    connection?.drop()
  }
}
