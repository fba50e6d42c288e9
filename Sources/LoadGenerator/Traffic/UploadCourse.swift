import NIOCore
import XStream

/// One upload from the moment it is due until it is complete, has failed, or was ended by its fault. Confined to one
/// event loop.
final class UploadCourse: ExchangeOwner {
  /// What the exchange under way is for.
  enum Step {
    case uploading
    /// After a truncation: what does the server have?
    case asking
    /// After the answer: drop it.
    case givingUp
  }

  let plan: PlannedUpload
  let due: NIODeadline
  let begun = NIODeadline.now()
  unowned let worker: LoadWorker
  private var attempts = 0
  private var hadOffer = false
  private var requestAt = NIODeadline.now()
  var point: ResumePoint?
  var step = Step.uploading
  /// Whether it has a fault that can be done to it.
  let isFaulty: Bool
  /// Whether the fault has yet to happen.
  var faultIsAhead: Bool
  /// The connection that the next answer comes over.
  var connection: LoadConnection?
  /// The older connection of a take-over.
  var rival: LoadConnection?
  /// Whether a give-up was sent whose answer never came: the server may have done what it said.
  var mayBeGivenUp = false
  /// Whether a take-over's newer connection completed the upload.
  var isTakenOver = false
  private(set) var isOver = false

  init(_ plan: PlannedUpload, due: NIODeadline, worker: LoadWorker) {
    self.plan = plan
    self.due = due
    self.worker = worker
    isFaulty = plan.fault.map { UploadPlanner.isPossible($0.kind, plan.kind, size: plan.size) } ?? false
    faultIsAhead = isFaulty
    if let fault = plan.fault {
      worker.recorder.fault(fault.kind) { if faultIsAhead { $0.done += 1 } else { $0.notPossible += 1 } }
    }
  }

  var recorder: Recorder { worker.recorder }
  /// The moment that its times count from.
  private var origin: NIODeadline { worker.isOpenLoop ? due : begun }

  func begin() {
    attempt(fresh: false)
  }

  /// Uses a connection for the next exchange.
  func attempt(fresh: Bool) {
    guard !isOver else { return }
    attempts += 1
    if !fresh, !isUnpooled, let idle = worker.supply.takeIdle(plan.target) {
      use(idle)
      return
    }
    let asked = NIODeadline.now()
    worker.supply.connect(plan.target) { [weak self] result in
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

  /// Faults of a connection need one of their own.
  private var isUnpooled: Bool { faultIsAhead && plan.fault?.kind != .wrongDigest }

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
    if !hadOffer, !isFaulty { recorder.offer(.now() - (worker.isOpenLoop ? due : requestAt)) }
    hadOffer = true
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
  func checkSilence(_ now: NIODeadline, longest: TimeAmount) {
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
    if case .violation = setback { return fail(setback) }
    guard attempts < worker.behaviour.attempts, (after ?? 0) <= 10, worker.mayGoOn else { return fail(setback) }
    // With a point the stream is resumed by its key. Without one the upload begins anew.
    self.point = point
    if step == .givingUp { mayBeGivenUp = true }
    if point == nil { hadOffer = false }
    recorder.setBack(setback, resumes: point != nil)
    // A connection that was kept too long, or a fault that was meant, need no patience.
    let isQuick = isFaulty || (attempts == 1 && !hadOffer && setback.kind == "lost")
    let backoff = TimeAmount.milliseconds(isQuick ? 0 : 50 << Int64(min(attempts, 6)))
    // An answer leaves a connection that is good for another exchange.
    let isFresh = setback.status == nil
    worker.schedule(in: max(backoff, .seconds(after ?? 0))) { [weak self] in self?.attempt(fresh: isFresh) }
  }

  private func complete() {
    if isFaulty, let fault = plan.fault {
      recorder.fault(fault.kind) { $0.asExpected += 1 }
    }
    recorder.completed(size: plan.size, time: isFaulty ? nil : .now() - origin)
    finish()
  }

  /// The fault was answered as it has to be, without an upload that is complete.
  func endAsExpected(_ kind: FaultKind) {
    guard !isOver else { return }
    recorder.fault(kind) { $0.asExpected += 1 }
    recorder.faulted()
    if let point { recorder.book { $0.dropped(point.key.text) } }
    finish()
  }

  /// The older connection of a take-over is where it should be.
  func endTakeOver() { complete() }

  func fail(_ setback: Setback) {
    guard !isOver else { return }
    if case .violation(let violation) = setback { recorder.broken(violation) }
    if isFaulty, let fault = plan.fault {
      recorder.fault(fault.kind) {
        $0.unexpected += 1
        $0.example = $0.example ?? setback.text
      }
    }
    recorder.failed(setback)
    finish()
  }

  /// The run is over, because somebody stopped it, or because there was time enough.
  func abort(isError: Bool) {
    guard !isOver else { return }
    recorder.unfinished(isError: isError)
    connection?.drop()
    finish()
  }

  private func finish() {
    isOver = true
    rival?.drop()
    rival = nil
    worker.ended(self)
  }
}
