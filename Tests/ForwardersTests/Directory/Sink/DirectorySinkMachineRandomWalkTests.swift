import Testing

@testable import Forwarders

/// The machine between a simulated upload, file and set of threads, each of which acts or fails when it likes.
@Suite("The machine of a directory sink in any order")
struct DirectorySinkMachineRandomWalkTests {
  @Test(
    "never calls safe what was not written and synced, runs one job at a time, and answers every end once",
    arguments: 0..<500 as Range<UInt64>)
  func walk(seed: UInt64) {
    var walk = SinkWalk(seed: seed)
    for _ in 0..<200 { walk.step() }
    walk.calmDown()
  }
}

private struct SinkWalk {
  private typealias Machine = DirectorySinkMachine

  private let seed: UInt64
  private var random: SplitMix
  private var machine: DirectorySinkMachine
  /// What the upload may have, in bytes: only a small one is gathered.
  private let most: Int64

  /// Offset after what the upload gave, and what it dropped since.
  private var given: Int64
  /// Offset after what the file has, after what a sync would make safe, and after what a sync did make safe.
  private var file: PartialFile.Progress
  private var durable: Int64
  /// Looked at so far, where the file is inspected.
  private var inspected: Int64
  private let isInspecting: Bool
  /// What is flushed is behind what is written, as in blocks.
  private let lags: Bool

  private var serial: Machine.Job?
  /// What the running sync covers.
  private var syncing: Int64?
  private var isFileOpen = false
  private var isWholeSynced = false
  private let isHeld: Bool
  private var hasPassed = false

  // What was said.
  private var isOpened = false
  private var consumed: Int64
  private var safe: Int64
  private var checkpoint: Int64?
  private var ending: Machine.Ending?
  private var hasFailed = false
  private var hasFinished = false
  private var suspended: Int64?
  private var isRemoved = false
  private var wasFound = false
  private var isCalm = false

  init(seed: UInt64) {
    self.seed = seed
    random = SplitMix(state: seed)
    let isResumed = Bool.random(using: &random)
    let offset = isResumed ? Int64.random(in: 0...100_000, using: &random) : 0
    let beginning: Machine.Beginning =
      isResumed ? .takingUp : Bool.random(using: &random) ? .gathering : .opening
    (given, durable, consumed, safe) = (offset, offset, offset, offset)
    most = beginning == .gathering ? Machine.gatheredLimit : .max
    file = PartialFile.Progress(at: offset)
    isInspecting = Bool.random(using: &random)
    lags = Bool.random(using: &random)
    inspected = isInspecting ? 0 : offset
    isHeld = Bool.random(using: &random)
    machine = DirectorySinkMachine(beginning, at: offset, isHeld: isHeld)
    if beginning == .gathering {
      if machine.gathering() == .report { isOpened = true } else { expect(false, "a gathering sink is open at once") }
    }
    proceed()
  }

  private var isOver: Bool { hasFinished || suspended != nil || isRemoved || wasFound }

  mutating func step() {
    guard !isOver else { return }
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<35: write()
    case 35..<75: endSerial()
    case 75..<87: endSync()
    case 87..<94: askForCheckpoint()
    case 94..<96: end(Bool.random(using: &random) ? .finish : .suspend)
    case 96: if Int.random(in: 0..<4, using: &random) == 0 { end(.abandon) }
    default: break
    }
    check()
  }

  mutating func calmDown() {
    isCalm = true
    for _ in 0..<1000 where !isOver {
      if ending == nil || hasFailed { end(hasFailed && Bool.random(using: &random) ? .abandon : .suspend) }
      endSerial()
      endSync()
      check()
    }
    expect(isOver, "it never ends")
    expect(machine.isOver, "the machine does not know that it is over")
    expect(serial == nil && syncing == nil, "jobs run after the end")
  }

  private func check() {
    expect(safe <= durable, "said safe \(safe), durable \(durable)")
    expect(durable <= file.written, "durable \(durable), written \(file.written)")
    expect(file.written <= given, "written \(file.written), given \(given)")
    expect(consumed <= file.written, "consumed \(consumed), written \(file.written)")
  }

  // MARK: The upload

  private mutating func write() {
    guard isOpened, ending == nil else { return }
    let count = Int(min(most - given, Int64.random(in: 1...20_000, using: &random)))
    guard count > 0 else { return }
    switch machine.write(count) {
    case .discard: expect(hasFailed, "bytes are discarded without a failure")
    case .gather, .queue: given += Int64(count)
    }
    proceed()
  }

  private mutating func askForCheckpoint() {
    guard isOpened, ending == nil, checkpoint == nil, !hasFailed else { return }
    checkpoint = given
    expect(machine.checkpoint() == .flush, "a checkpoint does not flush")
    proceed()
  }

  private mutating func end(_ next: Machine.Ending) {
    // As the protocol of sinks says: one end, and after a failure one that is no finish.
    guard ending == nil || (ending == .finish && hasFailed && next != .finish) else { return }
    guard next == .abandon || isOpened || hasFailed || next == .suspend else { return }
    guard !(hasFailed && next == .finish) else { return }
    ending = next
    if next == .abandon { checkpoint = nil }
    _ = machine.end(next)
    proceed()
  }

  // MARK: The threads

  private mutating func proceed() {
    while let job = machine.next(.init(hasBatch: file.written < given, isDrained: file.written == given)) {
      expect(!isOver, "\(job) after the end")
      switch job {
      case .sync(let isNeeded):
        expect(syncing == nil, "two syncs at once")
        expect(serial?.runsAlone != true, "a sync beside \(String(describing: serial))")
        expect(isNeeded == (file.flushed > durable) || !isNeeded, "a sync of nothing")
        syncing = file.flushed
      case .remove:
        expect(ending == .abandon, "removed without being abandoned")
        expect(serial == nil && syncing == nil, "removed beside a job")
        isRemoved = true
      default:
        expect(serial == nil, "\(job) beside \(String(describing: serial))")
        expect(!job.runsAlone || syncing == nil, "\(job) beside a sync")
        begin(job)
        serial = job
      }
    }
  }

  private func begin(_ job: Machine.Job) {
    switch job {
    case .write, .inspect, .flush: expect(isFileOpen, "\(job) before the file is open")
    case .syncWhole, .publish: expect(ending == .finish && !hasFailed, "\(job) of what is not finished")
    case .check: expect(isHeld && isWholeSynced && !hasPassed, "checked what is not whole, or twice")
    case .letGo(let isSyncing): expect(ending == .suspend && !(isSyncing && hasFailed), "\(job) at \(ending as Any)")
    case .open, .openGathered, .takeUp: expect(!isFileOpen, "opened twice")
    case .sync, .remove: break
    }
  }

  private mutating func fails() -> Bool { !isCalm && Int.random(in: 0..<60, using: &random) == 0 }

  private mutating func endSerial() {
    guard let job = serial else { return }
    serial = nil
    if case .letGo(let isSyncing) = job { return endLettingGo(isSyncing: isSyncing) }
    if fails() { return fail(machine.serialJobFailed()) }
    switch job {
    case .open, .openGathered: open()
    case .takeUp:
      if Int.random(in: 0..<10, using: &random) == 0 {
        wasFound = true
        expect((machine.found() == .report) == (ending != .abandon), "what was found is not said")
      } else {
        open()
      }
    case .write:
      let count = Int64.random(in: 1...max(1, given - file.written), using: &random)
      file.written = min(given, file.written + count)
      file.flushable = file.written
      file.flushed = lags ? file.written / 4096 * 4096 : file.written
      file.flushed = max(file.flushed, durable)
      note()
      switch machine.wrote(file) {
      case .nothing: expect(hasFailed || ending == .abandon, "written bytes are not consumed")
      case .consumed(let offset):
        expect(offset == file.written && offset > consumed, "consumed \(offset)")
        consumed = offset
      }
    case .inspect:
      inspected = min(file.flushable, inspected + 30_000)
      note()
      machine.advanced(file)
    case .flush:
      file.flushed = file.flushable
      note()
      machine.advanced(file)
    case .syncWhole:
      durable = given
      file.flushed = file.written
      isWholeSynced = true
      machine.wholeSynced()
    case .check:
      hasPassed = true
      machine.passed()
    case .publish:
      expect(!isHeld || hasPassed, "published before it was checked")
      published()
    case .sync, .remove, .letGo: expect(false, "no serial job with an answer")
    }
    proceed()
  }

  private mutating func note() {
    file.isInspectionBehind = inspected < file.flushable
  }

  private mutating func open() {
    isFileOpen = true
    note()
    let wasOpened = isOpened
    if machine.opened(file) == .report {
      expect(!wasOpened, "opened twice")
      isOpened = true
    } else {
      expect(wasOpened || hasFailed || ending == .abandon, "an opening is not said")
    }
  }

  private mutating func published() {
    expect(isWholeSynced || given <= Machine.gatheredLimit, "published much that is not synced")
    file.written = given
    durable = given
    switch machine.published() {
    case .nothing: expect(ending == .abandon, "a finish is not answered")
    case .finished(let answer):
      expect(ending == .finish && !hasFinished, "finished in \(ending as Any)")
      hear(answer)
      expect(safe <= given, "safe \(safe) of \(given)")
      expect(checkpoint == nil, "finished before the checkpoint was answered")
    }
    hasFinished = true
  }

  private mutating func endLettingGo(isSyncing: Bool) {
    let isDone = isCalm || Int.random(in: 0..<10, using: &random) > 0
    if isDone, isSyncing { durable = file.written }
    switch machine.letGo(isSafe: isDone) {
    case .nothing: expect(ending == .abandon, "a suspension is not answered")
    case .suspended(let offset, let answer):
      hear(answer)
      expect(suspended == nil && ending == .suspend, "suspended in \(ending as Any)")
      expect(offset >= safe && offset <= durable, "suspended at \(offset), safe \(safe), durable \(durable)")
      if !hasFailed, isDone { expect(offset == given, "suspended at \(offset) of \(given)") }
      suspended = offset
    }
    if suspended == nil { isRemoved = true }
    proceed()
  }

  private mutating func endSync() {
    guard let covered = syncing else { return }
    syncing = nil
    if fails() { return fail(machine.syncFailed()) }
    durable = max(durable, covered)
    hear(machine.synced())
    proceed()
  }

  private mutating func fail(_ decision: Machine.OnFailure) {
    switch decision {
    case .nothing: expect(hasFailed || ending == .suspend || ending == .abandon, "a failure is not said")
    case .report: expect(!hasFailed, "two failures are said")
    }
    hasFailed = true
    checkpoint = nil
    // What waits is dropped.
    proceed()
  }

  private mutating func hear(_ answer: Machine.OnSafe) {
    guard case .safe(let offset) = answer else { return }
    expect(ending != .abandon && !hasFailed, "safe after the end")
    expect(offset >= safe && offset <= durable, "safe \(offset), durable \(durable), before \(safe)")
    if let checkpoint { expect(offset >= checkpoint, "safe \(offset) where \(checkpoint) was asked for") }
    expect(checkpoint != nil, "safe without being asked")
    checkpoint = nil
    safe = offset
  }

  private func expect(_ isTrue: Bool, _ what: @autoclosure () -> String) {
    if !isTrue { Issue.record("seed \(seed): \(what())") }
  }
}
