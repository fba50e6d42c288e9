import Testing

@testable import GatewayCore

/// The machine between a simulated store, ledger and client, each of which acts or fails when it likes.
@Suite("The upload machine in any order")
struct UploadMachineRandomWalkTests {
  @Test(
    "never acknowledges what is not recorded and safe, and always reaches an end", arguments: 0..<500 as Range<UInt64>)
  func walk(seed: UInt64) {
    var walk = MachineWalk(seed: seed)
    for _ in 0..<300 { walk.step() }
    walk.calmDown()
  }
}

private struct MachineWalk {
  private enum SinkWork {
    case open, consume(Int64), checkpoint, finish, suspend
  }

  private enum LedgerWork {
    case advance(UploadMachine.Step), complete, release
  }

  private let seed: UInt64
  private var random: SeededGenerator
  private var machine: UploadMachine
  private let total: Int64
  private let window = 100
  private let isResumable: Bool
  private var sinkWork: [SinkWork] = []
  private var ledgerWork: [LedgerWork] = []
  private var received: Int64
  private var written: Int64
  private var durable: Int64
  private var committed: Int64
  private var acknowledged: Int64
  private var isOffered = false
  private var isPaused = false
  private var owes = false
  private var isEnded = false
  private var isCalm = false
  private var hasSinkFailed = false
  /// Another gateway has the upload.
  private var isFenced = false
  /// The store makes only whole multiples of this safe.
  private let granularity: Int64

  init(seed: UInt64) {
    self.seed = seed
    random = SeededGenerator(seed: seed)
    let isNew = Bool.random(using: &random)
    isResumable = !isNew || Bool.random(using: &random)
    total = Int64.random(in: 0...1500, using: &random)
    granularity = [1, 1, 40, 130].randomElement(using: &random) ?? 1
    let offset = isNew ? 0 : Int64.random(in: 0...total, using: &random) / granularity * granularity
    (received, written, durable, committed, acknowledged) = (offset, offset, offset, offset, offset)
    machine = UploadMachine(
      isResumable: isResumable, isNew: isNew, window: window, checkpointEvery: 60, granularity: granularity)
    if machine.leased(at: offset, total: total) == .openSink(from: offset) { sinkWork.append(.open) }
  }

  mutating func step() {
    guard !isEnded else { return }
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<35: send()
    case 35..<62: doSinkWork()
    case 62..<65: pay()
    case 65..<90: doLedgerWork()
    case 90..<96: consider(isQuiet: true)
    case 96..<97: leave()
    case 97: if Int.random(in: 0..<4, using: &random) == 0 { isFenced = true }
    default: failSink()
    }
    check()
  }

  mutating func calmDown() {
    isCalm = true
    leave()
    for _ in 0..<1000 where !isEnded {
      doSinkWork()
      doLedgerWork()
      check()
    }
    expect(isEnded, "it never ends")
  }

  private func check() {
    expect(acknowledged <= committed, "acknowledged \(acknowledged), recorded \(committed)")
    expect(machine.recorded <= committed, "told \(machine.recorded), recorded \(committed)")
    expect(committed <= durable, "recorded \(committed), safe \(durable)")
    expect(durable <= received, "safe \(durable), received \(received)")
    expect(machine.inFlight >= 0 && machine.inFlight <= window + 30, "in flight \(machine.inFlight)")
  }

  private mutating func send() {
    guard isOffered, !isPaused else { return }
    if received == total {
      switch machine.finish() {
      case .finishSink: sinkWork.append(.finish)
      case .leave: expect(false, "left at its end")
      case .nothing: break
      }
      return
    }
    let count = min(total - received, Int64.random(in: 1...30, using: &random))
    let decision = machine.bytes(Int(count), isMemoryShort: Int.random(in: 0..<8, using: &random) == 0)
    guard decision != .discard else { return }
    received += count
    sinkWork.append(.consume(received))
    if decision == .writeThenPause { isPaused = true }
    if Int.random(in: 0..<10, using: &random) == 0 {
      owes = true
      if machine.bandwidthUsedUp() == .pause {
        expect(!isPaused, "paused twice")
        isPaused = true
      }
    }
    expect(!owes || isPaused, "not paused although it owes")
    consider(isQuiet: false)
  }

  private mutating func pay() {
    owes = false
    guard machine.bandwidthRestored() == .resume else { return }
    expect(isPaused, "resumed twice")
    isPaused = false
  }

  private mutating func consider(isQuiet: Bool) {
    if machine.checkpointChance(isQuiet: isQuiet) == .checkpoint { sinkWork.append(.checkpoint) }
  }

  private mutating func leave() {
    switch machine.leave() {
    case .nothing, .wait: break
    case .suspendSink: sinkWork.append(.suspend)
    case .drop: ledgerWork.append(.release)
    }
  }

  private mutating func failSink() {
    guard !hasSinkFailed, !sinkWork.isEmpty, !isCalm else { return }
    hasSinkFailed = true
    // Whatever it had to do is undone, but for letting go, which is answered also after a failure.
    sinkWork.removeAll { if case .suspend = $0 { false } else { true } }
    carryOut(machine.sinkFailed(.full))
  }

  private mutating func doSinkWork() {
    guard !sinkWork.isEmpty else { return }
    switch sinkWork.removeFirst() {
    case .open:
      switch machine.sinkOpened() {
      case .offer: isOffered = true
      case .suspendSink: sinkWork.append(.suspend)
      case .drop: ledgerWork.append(.release)
      }
    case .consume(let offset):
      written = offset
      if machine.consumed(upTo: offset, isMemoryShort: Bool.random(using: &random)) == .resume {
        expect(!owes, "resumed although it owes")
        isPaused = false
      }
      consider(isQuiet: false)
    case .checkpoint:
      // It would be asked for again and again.
      let isMore = makePartsSafe()
      expect(isMore, "a checkpoint that makes nothing safe")
      if case .record(let step) = machine.sinkSafe(upTo: durable) { ledgerWork.append(.advance(step)) }
    case .finish:
      durable = received
      expect(machine.sinkFinished() == total, "finished short of the total")
      ledgerWork.append(.complete)
    case .suspend:
      if !hasSinkFailed { _ = makePartsSafe() }
      switch machine.sinkSuspended(at: durable) {
      case .nothing: break
      case .record(let step): ledgerWork.append(.advance(step))
      case .end: isEnded = true
      }
      expect(machine.inFlight == 0, "memory after letting go")
    }
  }

  /// - Returns: whether that were any.
  private mutating func makePartsSafe() -> Bool {
    let before = durable
    durable = max(durable, written / granularity * granularity)
    return durable > before
  }

  private mutating func doLedgerWork() {
    guard !ledgerWork.isEmpty else { return }
    let fails = !isCalm && Int.random(in: 0..<15, using: &random) == 0
    switch ledgerWork.removeFirst() {
    case .advance(let step):
      if isFenced { return carryOut(machine.recordFenced()) }
      guard !fails, step.from == committed else { return carryOut(machine.recordFailed("broken")) }
      expect(step.to % granularity == 0 || step.to == step.from, "recorded \(step.to), which is no part's end")
      committed = step.to
      switch machine.ledgerRecorded(upTo: step.to) {
      case .nothing: break
      case .acknowledge(let offset):
        acknowledged = offset
        consider(isQuiet: false)
      case .end:
        expect(ledgerWork.isEmpty, "ended while the ledger still works")
        isEnded = true
      }
    case .complete:
      if isFenced { return carryOut(machine.completionFenced()) }
      guard !fails else { return carryOut(machine.completionFailed("broken")) }
      committed = total
      machine.ledgerCompleted()
      isEnded = true
    case .release: isEnded = true
    }
  }

  private mutating func carryOut(_ decision: UploadMachine.OnFailure) {
    switch decision {
    case .nothing: break
    case .suspendSink: sinkWork.append(.suspend)
    case .drop, .abandon: ledgerWork.append(.release)
    case .end: isEnded = true
    }
  }

  private func expect(_ isTrue: Bool, _ what: @autoclosure () -> String) {
    if !isTrue { Issue.record("seed \(seed): \(what())") }
  }
}
