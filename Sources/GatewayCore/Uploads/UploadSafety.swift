import Logging
import NIOCore

// What makes bytes safe: the sink first, then the ledger, then the client's acknowledgement.
extension Upload {
  func sinkSaid(_ event: SinkEvent) {
    // Nothing of a sink that was let go may count twice.
    guard sink != nil else { return }
    switch event {
    case .opened:
      // It may have waited for its turn.
      _ = keepsRight()
      switch machine.sinkOpened() {
      case .suspendSink: sink?.suspend()
      case .drop: drop(thenTell: .suspended(at: 0))
      case .offer: offer()
      }
    case .found(let size, let result):
      self.result = result
      machine.sinkFound(size: size)
      complete(size: size, attempt: 1)
    case .consumed(let offset): consumed(upTo: offset)
    case .safe(let offset, let state):
      sinkState = state ?? sinkState
      switch machine.sinkSafe(upTo: offset) {
      case .nothing: considerCheckpoint(isQuiet: false)
      case .record(let step): record(step, endsLease: false)
      }
    case .finished(let result):
      self.result = result
      accountForMemory { complete(size: machine.sinkFinished(), attempt: 1) }
    case .suspended(let offset, let state):
      sinkState = state ?? sinkState
      accountForMemory {
        switch machine.sinkSuspended(at: offset) {
        case .nothing: break
        case .record(let step): record(step, endsLease: admission.runtime.traits.survivesRestart)
        case .end(let ending): end(ending)
        }
      }
    case .failed(let failure): carryOut(machine.sinkFailed(failure))
    }
  }

  private func consumed(upTo offset: Int64) {
    var decision = UploadMachine.OnConsumed.nothing
    let isShort = gateway.memory.isShort(holding: machine.inFlight)
    accountForMemory { decision = machine.consumed(upTo: offset, isMemoryShort: isShort) }
    considerCheckpoint(isQuiet: false)
    if decision == .resume { onEvent?(.resumed) }
    copyNext()
  }

  /// Gives back to the process's budget what `change` took out of flight.
  private func accountForMemory(_ change: () -> Void) {
    let before = machine.inFlight
    change()
    gateway.memory.giveBack(before - machine.inFlight)
  }

  func considerCheckpoint(isQuiet: Bool) {
    switch machine.checkpointChance(isQuiet: isQuiet) {
    case .nothing: return
    case .checkpoint:
      quietPace.made(of: machine.unsafeBytes, isQuiet: isQuiet)
      sink?.checkpoint()
    case .askLater:
      guard quietCheck == nil else { return }
      let delay = quietPace.delay(acknowledges: admission.transfer.acknowledgeEvery != nil)
      quietCheck = eventLoop.assumeIsolated().scheduleTask(in: delay) {
        self.quietCheck = nil
        self.considerCheckpoint(isQuiet: true)
      }
    }
  }

  private func record(_ step: UploadMachine.Step, endsLease: Bool) {
    guard let lease else { return }
    let expiresAt = gateway.settings.now().advanced(byMilliseconds: keptFor)
    let advance = Advance(
      key: key, epoch: lease.epoch, from: step.from, to: step.to, expiresAt: expiresAt, storeState: sinkState,
      endsLease: endsLease)
    sinkState = nil
    gateway.ledger.advance(advance, on: eventLoop).assumeIsolated().whenComplete { result in
      switch result {
      case .failure(LedgerError.fenced), .failure(LedgerError.unknown):
        self.wasTakenOver()
        self.carryOut(self.machine.recordFenced())
      case .failure(let error): self.carryOut(self.machine.recordFailed(Self.description(of: error)))
      case .success:
        self.noteLease(expiresAt: expiresAt)
        if self.facts.role == .part, step.to == self.facts.total {
          self.gateway.partChanged(self.key, on: self.eventLoop)
        }
        switch self.machine.ledgerRecorded(upTo: step.to) {
        case .nothing: break
        case .acknowledge(let offset):
          self.onEvent?(.safe(upTo: offset))
          self.considerCheckpoint(isQuiet: false)
        case .end(let ending): self.end(ending)
        }
      }
    }
  }

  /// Another gateway has taken the upload over, and may have ended it since: what is safe of it is that gateway's, and this
  /// client hears that a newer connection has it.
  func wasTakenOver() {
    guard !isSuperseded else { return }
    isSuperseded = true
    stopReason = stopReason ?? .superseded
    logger.notice("Upload was taken over elsewhere", metadata: details())
    if isOffered { onEvent?(.superseded) }
  }

  /// For the sweep that renews the leases of uploads whose clients are slow.
  func noteLease(expiresAt: WallTime) {
    guard let lock, let lease else { return }
    gateway.locks.note(LeaseRenewal(key: key, epoch: lease.epoch, expiresAt: expiresAt), of: lock)
  }

  static func description(of error: any Error) -> String {
    "the ledger failed: " + ((error as? LedgerError)?.logDescription ?? "\(error)")
  }
}
