import Testing

@testable import GatewayCore

@Suite("The upload machine")
struct UploadMachineTests {
  private func opened(
    isResumable: Bool = true, isNew: Bool = true, total: Int64? = 100, at offset: Int64 = 0, window: Int = 50,
    checkpointEvery: Int64 = 10, granularity: Int64 = 1
  ) -> UploadMachine {
    var machine = UploadMachine(
      isResumable: isResumable, isNew: isNew, window: window, checkpointEvery: checkpointEvery,
      granularity: granularity)
    #expect(machine.leased(at: offset, total: total) == .openSink(from: offset))
    #expect(machine.sinkOpened() == .offer)
    return machine
  }

  @Test("tells the ledger after the store, and the client after the ledger")
  func order() {
    var machine = opened()
    #expect(machine.bytes(20, isMemoryShort: false) == .write)
    #expect(machine.consumed(upTo: 20, isMemoryShort: false) == .nothing)
    #expect(machine.checkpointChance(isQuiet: false) == .checkpoint)
    #expect(machine.checkpointChance(isQuiet: true) == .nothing, "one at a time")
    #expect(machine.recorded == 0)
    #expect(machine.sinkSafe(upTo: 20) == .record(.init(from: 0, to: 20)))
    #expect(machine.checkpointChance(isQuiet: true) == .nothing, "not while the ledger writes")
    #expect(machine.recorded == 0)
    #expect(machine.ledgerRecorded(upTo: 20) == .acknowledge(upTo: 20))
    #expect(machine.recorded == 20)
  }

  @Test("never finishes a part, though its last byte is here")
  func part() {
    var machine = UploadMachine(isResumable: true, isNew: false, window: 50, checkpointEvery: 10)
    #expect(machine.leased(at: 0, total: 20, isPart: true) == .openSink(from: 0))
    #expect(machine.sinkOpened() == .offer)
    #expect(machine.bytes(20, isMemoryShort: false) == .write)
    #expect(machine.finish() == .leave(.suspendSink))
    #expect(machine.sinkSuspended(at: 20) == .record(.init(from: 0, to: 20)))
    #expect(machine.ledgerRecorded(upTo: 20) == .end(.left))
  }

  @Test("takes what its sink copies for what has come, without memory")
  func copied() {
    var machine = opened(total: 20)
    #expect(machine.position == 0)
    #expect(machine.consumed(upTo: 12, isMemoryShort: true) == .nothing)
    #expect(machine.position == 12 && machine.inFlight == 0)
    #expect(machine.checkpointChance(isQuiet: false) == .checkpoint)
    #expect(machine.consumed(upTo: 20, isMemoryShort: true) == .nothing)
    #expect(machine.finish() == .finishSink)
    #expect(machine.position == nil)
  }

  @Test("makes few bytes safe only when the client has been quiet")
  func quiet() {
    var machine = opened()
    #expect(machine.checkpointChance(isQuiet: true) == .nothing)
    _ = machine.bytes(5, isMemoryShort: false)
    #expect(machine.checkpointChance(isQuiet: false) == .askLater)
    #expect(machine.checkpointChance(isQuiet: true) == .checkpoint)
  }

  @Test("pauses once at the window and resumes at half of it")
  func window() {
    var machine = opened()
    #expect(machine.bytes(49, isMemoryShort: false) == .write)
    #expect(machine.bytes(1, isMemoryShort: false) == .writeThenPause)
    #expect(machine.bytes(10, isMemoryShort: false) == .write, "what was on its way is taken without a second pause")
    #expect(machine.inFlight == 60)
    #expect(machine.consumed(upTo: 34, isMemoryShort: false) == .nothing)
    #expect(machine.consumed(upTo: 35, isMemoryShort: false) == .resume)
    #expect(machine.consumed(upTo: 60, isMemoryShort: false) == .nothing)
    #expect(machine.inFlight == 0)
  }

  @Test("pauses while memory is short, but never with nothing of its own in flight")
  func shortMemory() {
    var machine = opened()
    #expect(machine.bytes(1, isMemoryShort: true) == .writeThenPause)
    #expect(machine.bytes(1, isMemoryShort: true) == .write)
    #expect(machine.consumed(upTo: 1, isMemoryShort: true) == .nothing)
    #expect(machine.consumed(upTo: 2, isMemoryShort: true) == .resume)
  }

  @Test("finishes the store, then the ledger")
  func finish() {
    var machine = opened(total: 30)
    _ = machine.bytes(30, isMemoryShort: false)
    #expect(machine.finish() == .finishSink)
    #expect(machine.finish() == .nothing)
    #expect(machine.bytes(1, isMemoryShort: false) == .discard)
    #expect(machine.leave() == .nothing, "it is finished all the same")
    #expect(machine.sinkFinished() == 30)
    #expect(machine.inFlight == 0)
    #expect(machine.leave() == .nothing)
    machine.ledgerCompleted()
    #expect(machine.recorded == 30)
  }

  @Test("takes bytes short of the total for no whole")
  func shortFinish() {
    var machine = opened(total: 30)
    _ = machine.bytes(29, isMemoryShort: false)
    #expect(machine.finish() == .leave(.suspendSink))
    var payload = opened(isResumable: false, total: 30)
    #expect(payload.finish() == .leave(.drop))
    var unknown = opened(total: nil)
    _ = unknown.bytes(29, isMemoryShort: false)
    #expect(unknown.finish() == .finishSink)
    #expect(unknown.sinkFinished() == 29)
  }

  @Test("that is left suspends the store, records where it is, and ends")
  func leave() {
    var machine = opened(isNew: false, at: 40)
    _ = machine.bytes(20, isMemoryShort: false)
    #expect(machine.leave() == .suspendSink)
    #expect(machine.leave() == .nothing)
    #expect(machine.sinkSuspended(at: 60) == .record(.init(from: 40, to: 60)))
    #expect(machine.inFlight == 0)
    #expect(machine.ledgerRecorded(upTo: 60) == .end(.left))
  }

  @Test("that is left without new bytes tells the ledger all the same: the resume window begins")
  func leaveWithoutBytes() {
    var machine = opened(isNew: false, at: 40)
    #expect(machine.leave() == .suspendSink)
    #expect(machine.sinkSuspended(at: 40) == .record(.init(from: 40, to: 40)))
  }

  @Test("that is left while an offset is being recorded ends with the last answer, not the first")
  func leaveWhileRecording() {
    var machine = opened()
    _ = machine.bytes(20, isMemoryShort: false)
    _ = machine.checkpointChance(isQuiet: true)
    #expect(machine.sinkSafe(upTo: 20) == .record(.init(from: 0, to: 20)))
    #expect(machine.leave() == .suspendSink)
    #expect(machine.sinkSuspended(at: 20) == .record(.init(from: 20, to: 20)))
    #expect(machine.ledgerRecorded(upTo: 20) == .nothing)
    #expect(machine.ledgerRecorded(upTo: 20) == .end(.left))
  }

  @Test("that is left while an offset fails to be recorded ends with what the ledger has")
  func leaveWhileRecordFails() {
    var machine = opened()
    _ = machine.bytes(20, isMemoryShort: false)
    _ = machine.checkpointChance(isQuiet: true)
    _ = machine.sinkSafe(upTo: 20)
    _ = machine.leave()
    _ = machine.sinkSuspended(at: 30)
    #expect(machine.recordFailed("full") == .nothing)
    #expect(machine.recordFailed("fenced") == .end(.failed(.storage("full"))))
    #expect(machine.recorded == 0)
  }

  @Test("that nobody waits for any more is let go at the next step of its opening")
  func leaveWhileOpening() {
    func opening(isNew: Bool) -> UploadMachine {
      UploadMachine(isResumable: true, isNew: isNew, window: 50, checkpointEvery: 10)
    }
    var new = opening(isNew: true)
    #expect(new.isAwaited)
    #expect(new.leave() == .wait)
    #expect(!new.isAwaited)
    #expect(new.leased(at: 0, total: 100) == .drop)
    var old = opening(isNew: false)
    #expect(old.leave() == .wait)
    #expect(old.leased(at: 10, total: 100) == .letGo)
    var newWithSink = opening(isNew: true)
    _ = newWithSink.leased(at: 0, total: 100)
    #expect(newWithSink.leave() == .wait)
    #expect(newWithSink.sinkOpened() == .drop)
    var oldWithSink = opening(isNew: false)
    _ = oldWithSink.leased(at: 10, total: 100)
    #expect(oldWithSink.leave() == .wait)
    #expect(oldWithSink.sinkOpened() == .suspendSink)
    #expect(oldWithSink.sinkSuspended(at: 10) == .record(.init(from: 10, to: 10)))
    #expect(oldWithSink.ledgerRecorded(upTo: 10) == .end(.left))
  }

  @Test("whose store fails keeps what can be resumed and drops what nobody could")
  func sinkFails() {
    var resumable = opened()
    #expect(resumable.sinkFailed(.full) == .suspendSink)
    #expect(resumable.sinkFailed(.full) == .nothing)
    #expect(resumable.sinkSuspended(at: 0) == .record(.init(from: 0, to: 0)))
    #expect(resumable.ledgerRecorded(upTo: 0) == .end(.failed(.full)))
    var payload = opened(isResumable: false)
    #expect(payload.sinkFailed(.full) == .drop(.full))
    var unheardOf = UploadMachine(isResumable: true, isNew: true, window: 50, checkpointEvery: 10)
    _ = unheardOf.leased(at: 0, total: 1)
    #expect(unheardOf.sinkFailed(.storage("x")) == .drop(.storage("x")))
    var known = UploadMachine(isResumable: true, isNew: false, window: 50, checkpointEvery: 10)
    _ = known.leased(at: 0, total: 1)
    #expect(known.sinkFailed(.storage("x")) == .suspendSink)
  }

  @Test("whose store fails while it lets go says so, and not that the client left")
  func sinkFailsWhileSuspending() {
    var machine = opened()
    _ = machine.bytes(20, isMemoryShort: false)
    _ = machine.leave()
    #expect(machine.sinkFailed(.full) == .nothing)
    #expect(machine.sinkSuspended(at: 5) == .record(.init(from: 0, to: 5)))
    #expect(machine.ledgerRecorded(upTo: 5) == .end(.failed(.full)))
  }

  @Test("with another digest is dropped, resumable or not")
  func digest() throws {
    let digest = try #require(ContentDigest(bytes: Array(repeating: 0, count: 32)))
    var machine = opened(total: 0)
    #expect(machine.finish() == .finishSink)
    #expect(machine.sinkFailed(.digest(computed: digest)) == .drop(.digest(computed: digest)))
  }

  @Test("whose ledger fails is told nothing more, and ends at what was recorded")
  func ledgerFails() {
    var machine = opened()
    _ = machine.bytes(20, isMemoryShort: false)
    _ = machine.checkpointChance(isQuiet: true)
    _ = machine.sinkSafe(upTo: 20)
    #expect(machine.recordFailed("full") == .suspendSink)
    #expect(machine.sinkSuspended(at: 20) == .end(.failed(.storage("full"))))
    #expect(machine.recorded == 0)
    #expect(machine.inFlight == 0)
  }

  @Test("goes on to be completed when an earlier offset fails to be recorded")
  func recordFailsWhileCompleting() {
    var machine = opened(total: 20)
    _ = machine.bytes(20, isMemoryShort: false)
    _ = machine.checkpointChance(isQuiet: true)
    _ = machine.sinkSafe(upTo: 20)
    _ = machine.finish()
    _ = machine.sinkFinished()
    #expect(machine.recordFailed("full") == .nothing)
    machine.ledgerCompleted()
    #expect(machine.recorded == 20)
  }

  @Test("that cannot be completed ends at what was recorded")
  func completionFails() {
    var machine = opened(total: 0)
    _ = machine.finish()
    _ = machine.sinkFinished()
    #expect(machine.completionFailed("full") == .end(.failed(.storage("full"))))
    #expect(machine.recorded == 0)
  }

  // MARK: Granularity

  @Test("asks for no checkpoint of less than the store can make safe, and for none of the rest")
  func granularity() {
    var machine = opened(total: 1000, window: 1000, checkpointEvery: 10, granularity: 50)
    _ = machine.bytes(49, isMemoryShort: false)
    _ = machine.consumed(upTo: 49, isMemoryShort: false)
    #expect(machine.checkpointChance(isQuiet: true) == .nothing)
    _ = machine.bytes(21, isMemoryShort: false)
    _ = machine.consumed(upTo: 70, isMemoryShort: false)
    #expect(machine.checkpointChance(isQuiet: false) == .checkpoint)
    #expect(machine.sinkSafe(upTo: 50) == .record(.init(from: 0, to: 50)))
    #expect(machine.ledgerRecorded(upTo: 50) == .acknowledge(upTo: 50))
    #expect(machine.checkpointChance(isQuiet: true) == .nothing, "the rest is no part")
    _ = machine.bytes(29, isMemoryShort: false)
    #expect(machine.checkpointChance(isQuiet: true) == .nothing)
    _ = machine.bytes(1, isMemoryShort: false)
    #expect(machine.checkpointChance(isQuiet: false) == .askLater, "the store has not consumed it")
    #expect(machine.checkpointChance(isQuiet: true) == .checkpoint)
  }

  @Test("that is left ends at what the store made safe, though more arrived")
  func leaveBetweenParts() {
    var machine = opened(total: 1000, window: 1000, granularity: 50)
    _ = machine.bytes(70, isMemoryShort: false)
    #expect(machine.leave() == .suspendSink)
    #expect(machine.sinkSuspended(at: 50) == .record(.init(from: 0, to: 50)))
    #expect(machine.inFlight == 0)
    #expect(machine.receivedHere == 70)
    #expect(machine.ledgerRecorded(upTo: 50) == .end(.left))
    #expect(machine.recorded == 50)
  }

  @Test("that is left before the first part tells the ledger where it began")
  func leaveBeforeFirstPart() {
    var machine = opened(isNew: false, total: 1000, at: 100, granularity: 50)
    _ = machine.bytes(49, isMemoryShort: false)
    #expect(machine.leave() == .suspendSink)
    #expect(machine.sinkSuspended(at: 100) == .record(.init(from: 100, to: 100)))
    #expect(machine.ledgerRecorded(upTo: 100) == .end(.left))
  }

  @Test("finishes what is no whole number of parts")
  func finishBetweenParts() {
    var machine = opened(total: 70, window: 1000, granularity: 50)
    _ = machine.bytes(70, isMemoryShort: false)
    #expect(machine.checkpointChance(isQuiet: true) == .nothing)
    #expect(machine.finish() == .finishSink)
    #expect(machine.sinkFinished() == 70)
    machine.ledgerCompleted()
    #expect(machine.recorded == 70)
  }

  // MARK: Fencing

  @Test("that is fenced lets go of the store, tells the ledger nothing more, and ends as one that was left")
  func fenced() {
    var machine = opened()
    _ = machine.bytes(20, isMemoryShort: false)
    _ = machine.checkpointChance(isQuiet: true)
    _ = machine.sinkSafe(upTo: 20)
    #expect(machine.recordFenced() == .suspendSink)
    #expect(machine.bytes(1, isMemoryShort: false) == .discard)
    #expect(machine.finish() == .nothing)
    #expect(machine.leave() == .nothing)
    #expect(machine.sinkSuspended(at: 20) == .end(.left))
    #expect(machine.recorded == 0)
    #expect(machine.inFlight == 0)
  }

  @Test("is never dropped once it is fenced, resumable or not")
  func fencedPayload() {
    var machine = opened(isResumable: false)
    _ = machine.bytes(20, isMemoryShort: false)
    _ = machine.checkpointChance(isQuiet: true)
    _ = machine.sinkSafe(upTo: 20)
    #expect(machine.recordFenced() == .suspendSink)
    #expect(machine.sinkFailed(.full) == .nothing)
    #expect(machine.sinkSuspended(at: 20) == .end(.failed(.full)))
  }

  @Test("that is fenced while it is left ends with the last answer")
  func fencedWhileRecording() {
    var machine = opened()
    _ = machine.bytes(20, isMemoryShort: false)
    _ = machine.checkpointChance(isQuiet: true)
    _ = machine.sinkSafe(upTo: 20)
    #expect(machine.leave() == .suspendSink)
    #expect(machine.sinkSuspended(at: 20) == .record(.init(from: 20, to: 20)))
    #expect(machine.recordFenced() == .nothing)
    #expect(machine.recordFenced() == .end(.left))
    #expect(machine.recorded == 0)
  }

  @Test("that is fenced while the store lets go records nothing when it has")
  func fencedWhileSuspending() {
    var machine = opened()
    _ = machine.bytes(20, isMemoryShort: false)
    _ = machine.checkpointChance(isQuiet: true)
    _ = machine.sinkSafe(upTo: 20)
    #expect(machine.leave() == .suspendSink)
    #expect(machine.recordFenced() == .nothing)
    #expect(machine.sinkSuspended(at: 20) == .end(.left))
  }

  @Test("waits for the completion's own answer after an offset was fenced")
  func fencedWhileCompleting() {
    var machine = opened(total: 20)
    _ = machine.bytes(20, isMemoryShort: false)
    var other = opened(total: 40)
    _ = other.bytes(20, isMemoryShort: false)
    _ = other.checkpointChance(isQuiet: true)
    _ = other.sinkSafe(upTo: 20)
    _ = other.bytes(20, isMemoryShort: false)
    _ = other.finish()
    #expect(other.recordFenced() == .nothing)
    #expect(other.sinkFinished() == 40)
    #expect(other.completionFenced() == .end(.left))
    #expect(other.recorded == 0)
    _ = machine.finish()
    _ = machine.sinkFinished()
    #expect(machine.completionFenced() == .end(.left))
    #expect(machine.leave() == .nothing)
  }
}
