import NIOCore

/// One upload from the moment it is due until it is complete, has failed, or was ended by its fault: what all protocols have
/// in common. Confined to one event loop.
class UploadCourse {
  let plan: PlannedUpload
  let due: NIODeadline
  let begun = NIODeadline.now()
  unowned let worker: LoadWorker
  private(set) var attempts = 0
  /// Whether the server has said where the upload is. Its time was taken then.
  var hadOffer = false
  var requestAt = NIODeadline.now()
  /// Whether it has a fault that can be done to it.
  let isFaulty: Bool
  /// Whether the fault has yet to happen.
  var faultIsAhead: Bool
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

  /// The course of an upload, by what that speaks.
  static func of(_ plan: PlannedUpload, due: NIODeadline, worker: LoadWorker) -> UploadCourse {
    plan.kind.uploadProtocol == .xStream
      ? XStreamCourse(plan, due: due, worker: worker) : HTTPCourse(plan, due: due, worker: worker)
  }

  final var recorder: Recorder { worker.recorder }
  /// The moment that its times count from.
  private var origin: NIODeadline { worker.isOpenLoop ? due : begun }
  final var place: ConnectionPlace { ConnectionPlace(target: plan.target, speaks: plan.kind.connection) }
  /// Faults of a connection need one of their own.
  final var isUnpooled: Bool { faultIsAhead && plan.fault?.kind != .wrongDigest }

  final func begin() {
    attempt(fresh: false)
  }

  /// Uses a connection for what comes next.
  final func attempt(fresh: Bool) {
    guard !isOver else { return }
    attempts += 1
    connect(fresh: fresh)
  }

  // MARK: What each protocol says itself

  /// Gets a connection, one that waits unless it has to be `fresh`, and goes on over it.
  func connect(fresh: Bool) {}
  /// Ends a connection on which nothing has moved for too long, unless it is this side that waits.
  func checkSilence(_ now: NIODeadline, longest: TimeAmount) {}
  /// Ends the connections that it has.
  func drop() {}

  // MARK: Going on

  final func offered() {
    if !hadOffer, !isFaulty { recorder.offer(.now() - (worker.isOpenLoop ? due : requestAt)) }
    hadOffer = true
  }

  /// A fault has ended the connection; the next attempt is no setback.
  final func goOnAfterFault(fresh: Bool) {
    recorder.resumed()
    attempt(fresh: fresh)
  }

  /// Another attempt, or the end.
  ///
  /// - Parameters:
  ///   - resumes: whether it goes on where it was.
  ///   - after: seconds that the server wants to be left alone for.
  final func tryAgain(after setback: Setback, resumes: Bool, in seconds: Int64?) {
    guard !isOver else { return }
    if case .violation = setback { return fail(setback) }
    guard attempts < worker.behaviour.attempts, (seconds ?? 0) <= 10, worker.mayGoOn else { return fail(setback) }
    if !resumes { hadOffer = false }
    recorder.setBack(setback, resumes: resumes)
    // A connection that was kept too long, or a fault that was meant, need no patience.
    let isQuick = isFaulty || (attempts == 1 && !hadOffer && setback.kind == "lost")
    let backoff = TimeAmount.milliseconds(isQuick ? 0 : 50 << Int64(min(attempts, 6)))
    // An answer leaves a connection that is good for another exchange.
    let isFresh = setback.status == nil
    worker.schedule(in: max(backoff, .seconds(seconds ?? 0))) { [weak self] in self?.attempt(fresh: isFresh) }
  }

  final func complete() {
    guard !isOver else { return }
    if isFaulty, let fault = plan.fault {
      recorder.fault(fault.kind) { $0.asExpected += 1 }
    }
    recorder.completed(size: plan.size, time: isFaulty ? nil : .now() - origin)
    finish()
  }

  /// The fault was answered as it has to be, without an upload that is complete.
  ///
  /// - Parameter key: of the upload, which can never become complete.
  final func endAsExpected(_ kind: FaultKind, dropped key: String?) {
    guard !isOver else { return }
    recorder.fault(kind) { $0.asExpected += 1 }
    recorder.faulted()
    if let key { recorder.book { $0.dropped(key) } }
    finish()
  }

  final func fail(_ setback: Setback) {
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
  final func abort(isError: Bool) {
    guard !isOver else { return }
    recorder.unfinished(isError: isError)
    finish()
  }

  private func finish() {
    isOver = true
    drop()
    worker.ended(self)
  }
}
