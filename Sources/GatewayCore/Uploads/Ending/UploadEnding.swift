import Logging
import Metrics
import NIOCore

// How an upload ends.
extension Upload {
  /// The file has its final name by now: a ledger that fails for a moment (a full disk) must not leave it unrecorded. An
  /// attempt before may have been committed, and only its answer was a failure: the ledger takes the same completion again.
  func complete(size: Int64, attempt: Int) {
    guard let lease else { return }
    var record = record(under: lease).completed(size: size)
    record.facts.digest = result.digest ?? facts.digest
    let completion = Completion(
      key: key, epoch: lease.epoch, size: size, charged: admission.runtime.charge(size: size, stored: result.stored),
      digest: record.facts.digest, at: gateway.settings.now(),
      // A window's quota has to know also of what was taken away at once, and with it the evidence.
      isProvableFromDisk: result.isProvableFromDisk && admission.quotas.allSatisfy { $0.window == 0 },
      events: gateway.events(of: .completed, record, location: result.location))
    gateway.ledger.complete(completion, on: eventLoop).assumeIsolated().whenComplete { result in
      switch result {
      case .success: self.completed(size: size)
      case .failure(LedgerError.engine(let what)) where attempt < Self.attempts:
        self.tryAgain("Ledger failed to record a completion; trying again", what) {
          self.complete(size: size, attempt: attempt + 1)
        }
      case .failure(LedgerError.fenced), .failure(LedgerError.unknown):
        self.wasTakenOver()
        self.carryOut(self.machine.completionFenced())
      case .failure(let error): self.carryOut(self.machine.completionFailed(Self.description(of: error)))
      }
    }
  }

  private func completed(size: Int64) {
    machine.ledgerCompleted()
    result.digest = result.digest ?? facts.digest
    end(.complete(size: size, result))
  }

  private static let attempts = 5

  private func tryAgain(_ message: Logger.Message, _ what: String, _ work: @escaping () -> Void) {
    logger.error(message, metadata: details(["reason": "\(what)"]))
    eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { work() }
  }

  // MARK: What the machine decides

  func carryOut(_ decision: UploadMachine.OnLeave) {
    switch decision {
    case .nothing, .wait: return
    case .suspendSink: sink?.suspend()
    case .drop: drop(thenTell: .suspended(at: 0))
    }
  }

  func carryOut(_ decision: UploadMachine.OnFailure) {
    switch decision {
    case .nothing: return
    case .suspendSink: sink?.suspend()
    case .drop(let failure): drop(thenTell: .failed(failure, safe: 0))
    case .abandon(let failure): abandon(failure)
    case .end(let ending): end(ending)
    }
  }

  /// The ledger first: bytes without a record are swept at the next start, a record without bytes would be a loss.
  func drop(thenTell event: UploadEvent, attempt: Int = 1) {
    guard let lease else { return end(event) }
    let events = gateway.events(of: .dropped, record(under: lease))
    gateway.ledger.release(key, epoch: lease.epoch, events: events, on: eventLoop).assumeIsolated().whenComplete {
      result in
      switch result {
      case .success: self.sink?.abandon()
      case .failure(LedgerError.engine(let what)) where attempt < Self.attempts:
        return self.tryAgain("Ledger failed to release; trying again", what) {
          self.drop(thenTell: event, attempt: attempt + 1)
        }
      case .failure(let error):
        // While the ledger has its record, its bytes stay: they go together, with its client's next try or when it expires.
        // Where it is fenced, they are another gateway's.
        self.logger.error(
          "Ledger failed to release", metadata: self.details(["reason": "\(Self.description(of: error))"]))
        self.sink?.suspend()
      }
      self.end(event)
    }
  }

  /// Nobody can go on with it; its client may still ask.
  private func abandon(_ failure: UploadFailure, attempt: Int = 1) {
    guard let lease else { return }
    gateway.ledger.fail(
      key, epoch: lease.epoch, expiresAt: gateway.expiry(on: admission.route),
      events: gateway.events(of: .failed, record(under: lease)), on: eventLoop
    ).assumeIsolated().whenComplete { result in
      switch result {
      case .success: break
      case .failure(LedgerError.engine(let what)) where attempt < Self.attempts:
        return self.tryAgain("Ledger failed to record a failure; trying again", what) {
          self.abandon(failure, attempt: attempt + 1)
        }
      case .failure(let error):
        self.logger.error(
          "Ledger failed to record a failure", metadata: self.details(["reason": "\(Self.description(of: error))"]))
      }
      self.sink?.abandon()
      self.end(.failed(failure, safe: self.machine.safeInSink))
    }
  }

  // MARK: The last event

  func end(_ ending: UploadMachine.Ending) {
    switch ending {
    case .left: end(.suspended(at: machine.recorded))
    case .failed(let failure): end(.failed(failure, safe: machine.recorded))
    }
  }

  /// The one way by which an upload leaves this connection.
  func end(_ last: UploadEvent) {
    beyondGrant = []
    if growth?.isAsking == true {
      lastWord = last
      return
    }
    let event = isOffered ? last : beforeOffer(last)
    log(end: event)
    count(end: event)
    if let live { gateway.live.remove(live) }
    live = nil
    gateway.observer?.ended(
      UploadEnd(facts: facts, event: event, wasOffered: isOffered, received: receivedHere))
    quietCheck?.cancel()
    quietCheck = nil
    bandwidthPause?.cancel()
    bandwidthPause = nil
    gateway.memory.giveBack(machine.inFlight)
    if isOffered { gateway.memory.changeUploads(by: -1) }
    // Without a sink nobody else gives back the reserved space; without a lease, it may be another connection's.
    // What was granted last may have come after the sink let go.
    if sink == nil || growth != nil, lease != nil { admission.runtime.forwarder.limitReservedSpace(to: 0, of: key) }
    sink = nil
    if let lock { gateway.locks.unlock(lock) }
    lock = nil
    onEvent?(event)
    onEvent = nil
  }

  private func count(end event: UploadEvent) {
    let meters = admission.runtime.meters
    if let outcome = CountedEnd(event, stopReason: stopReason) { meters.ended(outcome) }
    if case .complete(let size, _) = event { meters.sizes.add(size) }
    if case .refused(let refusal) = event {
      gateway.remember(refusal, on: admission.route.path, of: admission.identity.name)
    }
    guard isOffered else { return }
    let (bytes, spent) = (receivedHere, elapsed.nanoseconds)
    meters.durations.add(spent)
    if bytes >= RouteMeters.leastForRate, spent > 0 { meters.rates.add(Int64(Double(bytes) * 1e9 / Double(spent))) }
  }

  /// A front that waits for an offer hears that there is none, whatever the reason.
  private func beforeOffer(_ event: UploadEvent) -> UploadEvent {
    switch event {
    case .suspended, .refused(.shutdown):
      .refused(isUnauthorized ? .unauthorized : isSuperseded ? .superseded : .shutdown)
    case .failed(.full, _): .refused(.full)
    case .failed(.storage(let what), _): .refused(.storage(what))
    case .failed(.outgrown(let refusal), _): .refused(refusal)
    case .failed(.digest, _), .failed(.content, _): .refused(.otherDigest)
    case .failed(.rejected, _): .refused(.broken)
    case .failed(.backend(let what), _), .failed(.backendTimeout(let what), _):
      .refused(isNew ? .backend(what) : .broken)
    // Nothing was left to upload: an earlier connection had brought all there.
    case .complete(let size, let result):
      .alreadyComplete(
        UploadAccount(key: key, safe: size, total: facts.total, state: .done, digest: result.digest))
    case .offered, .refused, .alreadyComplete, .paused, .resumed, .safe, .superseded, .unauthorized: event
    }
  }
}
