import HTTPUpload
import NIOCore
import XStream

/// An upload over HTTP.
final class HTTPCourse: UploadCourse, HTTPRequestOwner {
  var machine: HTTPUploadMachine
  /// The connection that the next answer comes over.
  var connection: HTTPConnection?
  /// The older connection of a take-over.
  var rival: HTTPConnection?
  /// Whether the older one brought all, since the server heard of it late.
  private var isOvertaken = false
  /// The connection that this side has ended before all was sent.
  var halfClosed: HTTPConnection?
  /// Whether a take-over's newer connection completed the upload.
  var isTakenOver = false

  override init(_ plan: PlannedUpload, due: NIODeadline, worker: LoadWorker) {
    let kind = plan.kind
    machine = HTTPUploadMachine(
      HTTPUploadMachine.Plan(
        speaks: kind.uploadProtocol, route: kind.route ?? worker.targets[plan.target].url.route,
        label: "load-\(plan.number)", format: kind.format, size: plan.size, isSizeTold: !kind.unknownTotal,
        part: kind.acknowledge, isNamedFirst: plan.isNamedFirst, digest: plan.digest?.bytes, token: worker.token))
    super.init(plan, due: due, worker: worker)
  }

  override func connect(fresh: Bool) {
    if faultIsAhead, plan.fault?.kind == .malformed { return sendMalformed() }
    if !fresh, !isUnpooled, let idle: HTTPConnection = worker.supply.takeIdle(place) {
      use(idle)
      return
    }
    let asked = NIODeadline.now()
    worker.supply.connect(place) { [weak self] (result: Result<HTTPConnection, Setback>) in
      guard let self, !self.isOver else {
        if case .success(let connection) = result { connection.leave() }
        return
      }
      switch result {
      case .success(let connection):
        if !self.isFaulty { self.recorder.connect(.now() - asked) }
        self.use(connection)
      case .failure(let setback):
        self.setBack(setback)
      }
    }
  }

  private func use(_ connection: HTTPConnection) {
    self.connection = connection
    if machine.step == .creating { requestAt = .now() }
    let job = machine.next()
    let pace = pace
    connection.start(job, plan.content, hold: pace.hold, oneByOne: pace.oneByOne, for: self)
  }

  // MARK: What the server says

  func handedOn(_ connection: HTTPConnection, to position: Int64) { machine.handedOn(to: position) }

  func interim(_ connection: HTTPConnection, _ status: Int, _ fields: HTTPFields) {
    // What an older connection hears is of the same upload, and comes late.
    guard !isOver, connection === self.connection else { return }
    let hadKey = machine.key != nil
    if fields.has("Upload-Offset") { recorder.progressed() }
    if let violation = machine.interim(status, fields) {
      connection.drop()
      self.connection = nil
      return fail(.violation(violation))
    }
    if !hadKey, machine.key != nil { offered() }
  }

  func answered(_ connection: HTTPConnection, _ answer: HTTPAnswer) {
    guard !isOver else { return }
    if connection === rival { return rivalEnded(connection) }
    self.connection = nil
    if connection === halfClosed, answer.status == 400 { return refusedHalf(connection) }
    let wasCreating = machine.step == .creating
    let isLate = isFaulty && plan.fault?.kind == .wrongDigest
    if isLate, answer.isProblem("digest-mismatching-values") {
      worker.supply.giveBack(connection)
      recorder.checked(.final)
      return endAsExpected(.wrongDigest, dropped: machine.key)
    }
    let meaning = machine.answered(answer)
    if wasCreating, machine.key != nil, plan.kind.uploadProtocol.isResumable { offered() }
    if answer.fields.has("Upload-Offset"), answer.isSuccess { recorder.checkedOffset() }
    switch meaning {
    case .goOn:
      // The older connection of a take-over goes on sending, to an upload that it has lost.
      rival?.release()
      // On the same connection, whether it is kept or not: it is one upload.
      if connection.isUsable { use(connection) } else { attemptOnAnother(connection) }
    case .complete(let digest):
      recorder.checked(.final)
      if digest != nil, plan.digest != nil { recorder.checked(.digest) }
      if !isFaulty, let last = connection.lastByteAt { recorder.final(.now() - last) }
      worker.supply.giveBack(connection)
      completed()
    case .known:
      worker.supply.giveBack(connection)
      attempt(fresh: false)
    case .removed:
      worker.supply.giveBack(connection)
      endAsExpected(.truncate, dropped: machine.key)
    case .refused(let mayGoOn, let after):
      worker.supply.giveBack(connection)
      refused(answer, mayGoOn: mayGoOn, after: after)
    case .violation(let violation):
      connection.drop()
      fail(.violation(violation))
    }
  }

  private func attemptOnAnother(_ connection: HTTPConnection) {
    worker.supply.giveBack(connection)
    connect(fresh: false)
  }

  private func completed() {
    if isFaulty, plan.fault?.kind == .wrongDigest {
      return fail(.fault(.wrongDigest, "it is complete, although its digest is wrong"))
    }
    if isFaulty, plan.fault?.kind == .truncate, !faultIsAhead {
      return fail(.fault(.truncate, "it is complete, although it was cut"))
    }
    if let key = machine.key { recorder.book { $0.complete(key, size: plan.size) } }
    guard rival != nil else { return complete() }
    isTakenOver = true
    worker.schedule(in: .seconds(5)) { [weak self] in self?.rivalStays() }
  }

  private func refused(_ answer: HTTPAnswer, mayGoOn: Bool, after: Int64?) {
    let setback = Setback.httpStatus(answer.status, answer.text)
    if mayGoOn { return setBack(setback, after: after) }
    if isFaulty, plan.fault?.kind == .takeOver, answer.status == 400, !isOvertaken {
      isOvertaken = true
      machine.broken()
      return goOnAfterFault(fresh: true)
    }
    if isFaulty, let kind = plan.fault?.kind, kind == .wrongDigest || kind == .truncate {
      return fail(.fault(kind, "status \(answer.status): \(answer.text)"))
    }
    fail(setback)
  }

  func failed(_ connection: HTTPConnection, _ setback: Setback) {
    guard !isOver else { return }
    if connection === rival { return rivalEnded(connection) }
    self.connection = nil
    machine.broken()
    setBack(setback)
  }

  override func checkSilence(_ now: NIODeadline, longest: TimeAmount) {
    guard let connection, !connection.isHeld, now - connection.lastActivity > longest else { return }
    connection.drop()
    self.connection = nil
    machine.broken()
    setBack(.silent(Double(longest.nanoseconds) / 1e9))
  }

  private func setBack(_ setback: Setback, after: Int64? = nil) {
    guard !isOver else { return }
    // A rival's connection is of no use to a new attempt.
    rival?.drop()
    rival = nil
    tryAgain(after: setback, resumes: machine.step != .creating, in: after)
  }

  override func drop() {
    rival?.drop()
    rival = nil
    connection?.drop()
  }
}
