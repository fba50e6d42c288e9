import NIOCore
import TLSTransport
import XStream

/// One event loop's part of a run: begins uploads when they are due or when a client is free. Confined to its loop.
final class LoadWorker {
  let targets: [Target]
  let authorization: Authorization?
  /// A bearer token; a secret.
  var token: String? { if case .bearer(let token) = authorization { token } else { nil } }
  let behaviour: ConnectionBehaviour
  let recorder = Recorder()
  let supply: ConnectionSupply
  private let scenario: Scenario
  private let loop: any EventLoop
  private let index: Int
  private let workers: Int
  private let planner: UploadPlanner
  private let levels: Levels
  private var schedule: ArrivalSchedule
  private let onDone: () -> Void

  private var start = NIODeadline.now()
  private var open: [ObjectIdentifier: UploadCourse] = [:]
  /// Moments of the uploads that are due and wait for their turn.
  private var waiting = CircularBuffer<NIODeadline>()
  private var begunCount = 0
  private var clients = 0
  private var isScheduleOver = false
  private var isStopped = false
  private var isDone = false

  init(
    _ plan: LoadPlan, on loop: any EventLoop, index: Int, onDone: @escaping () -> Void
  ) {
    scenario = plan.scenario
    targets = plan.targets
    authorization = plan.authorization
    behaviour = plan.scenario.connection
    self.loop = loop
    self.index = index
    self.onDone = onDone
    workers = behaviour.threads
    supply = ConnectionSupply(plan.targets, plan.contexts, behaviour, on: loop, recorder)
    planner = UploadPlanner(plan.scenario, ContentStock(plan.stocks))
    levels = Levels(plan.scenario.stages)
    schedule = ArrivalSchedule(levels, scenario.arrivals, seed: scenario.seed, worker: index, of: workers)
  }

  var isOpenLoop: Bool { scenario.loop == .open }
  /// Whether an upload may be tried once more.
  var mayGoOn: Bool { !isStopped }

  /// Begins the run.
  func begin(at start: NIODeadline) {
    self.start = start
    planner.warmUp()
    sweep()
    if isOpenLoop { armNextArrival() } else { adjustClients() }
  }

  /// Runs something later on this loop.
  func schedule(in time: TimeAmount, _ work: @escaping () -> Void) {
    loop.assumeIsolated().scheduleTask(in: time, work)
  }

  /// What happened since the last call.
  func takeSecond() -> SecondTally { recorder.takeSecond(open: open.count, waiting: waiting.count) }

  /// An upload is over.
  func ended(_ course: UploadCourse) {
    open[ObjectIdentifier(course)] = nil
    if isOpenLoop {
      beginWaiting()
    } else {
      // In a later turn, so that a target that refuses at once does not keep the loop to itself.
      schedule(in: .zero) { [self] in nextOfClient() }
    }
    checkDone()
  }

  /// Begins no more, and breaks off what is under way.
  ///
  /// - Parameter isTimeUp: whether uploads had the time that they should have had; then what is left is an error.
  func stop(isTimeUp: Bool) {
    isStopped = true
    isScheduleOver = true
    for _ in waiting { recorder.missed(isError: isTimeUp) }
    waiting.removeAll()
    for course in Array(open.values) { course.abort(isError: isTimeUp) }
    checkDone()
  }

  // MARK: Open loop

  private func armNextArrival() {
    guard !isStopped else { return }
    guard mayBegin(planned: begunCount + waiting.count), let moment = schedule.next() else {
      isScheduleOver = true
      return checkDone()
    }
    let due = start + .nanoseconds(Int64(moment * 1e9))
    loop.assumeIsolated().scheduleTask(deadline: due) { [self] in
      arrive(due)
      armNextArrival()
    }
  }

  private func arrive(_ due: NIODeadline) {
    guard !isStopped else { return }
    if waiting.isEmpty, open.count < mostOpen {
      begin(due: due, slip: .now() - due)
    } else {
      waiting.append(due)
    }
  }

  private func beginWaiting() {
    while !isStopped, open.count < mostOpen, let due = waiting.popFirst() { begin(due: due, slip: nil) }
  }

  private var mostOpen: Int { max(1, scenario.inFlight / workers) }

  // MARK: Closed loop

  /// Has as many clients as the level asks for.
  private func adjustClients() {
    guard !isStopped else { return }
    let time = Double((NIODeadline.now() - start).nanoseconds) / 1e9
    guard time < levels.end, mayBegin(planned: begunCount) else {
      isScheduleOver = true
      return checkDone()
    }
    while clients < wantedClients(at: time) {
      clients += 1
      nextOfClient()
      guard clients > 0, !isScheduleOver else { break }
    }
    schedule(in: .milliseconds(20)) { [self] in adjustClients() }
  }

  private func wantedClients(at time: Double) -> Int {
    let all = Int(levels.level(at: max(0, time)).rounded(.up))
    return all / workers + (index < all % workers ? 1 : 0)
  }

  /// A client has nothing under way.
  private func nextOfClient() {
    let time = Double((NIODeadline.now() - start).nanoseconds) / 1e9
    guard !isStopped, time < levels.end, mayBegin(planned: begunCount), clients <= wantedClients(at: time) else {
      clients -= 1
      return checkDone()
    }
    begin(due: .now(), slip: nil)
  }

  // MARK: Both

  /// The count is shared by all workers in turn.
  private func mayBegin(planned: Int) -> Bool {
    guard let count = scenario.count else { return true }
    return planned * workers + index < count
  }

  private func begin(due: NIODeadline, slip: TimeAmount?) {
    let course = UploadCourse.of(planner.upload(begunCount * workers + index), due: due, worker: self)
    begunCount += 1
    recorder.began(slip: slip)
    open[ObjectIdentifier(course)] = course
    course.begin()
  }

  /// Looks for connections on which nothing moves, and for the end of the drain.
  private func sweep() {
    guard !isDone else { return }
    let now = NIODeadline.now()
    let longest = TimeAmount(behaviour.silence)
    for course in Array(open.values) { course.checkSilence(now, longest: longest) }
    schedule(in: min(.seconds(1), max(.milliseconds(10), TimeAmount.nanoseconds(longest.nanoseconds / 4)))) { [self] in
      sweep()
    }
    let end = levels.end.isFinite ? start + .nanoseconds(Int64(levels.end * 1e9)) : .distantFuture
    if isScheduleOver || now > end, end < .distantFuture, now - end > TimeAmount(scenario.drain) {
      stop(isTimeUp: true)
    }
  }

  private func checkDone() {
    guard isScheduleOver, open.isEmpty, waiting.isEmpty, clients <= 0 || isOpenLoop || isStopped, !isDone else {
      return
    }
    isDone = true
    supply.closeIdle()
    onDone()
  }
}
