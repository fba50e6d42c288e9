import Logging
import NIOCore

// What the ledger is told, and how an upload ends.
extension Upload {
  func record(_ advance: UploadMachine.Advance) {
    guard let holding else { return }
    gateway.ledger.advance(
      key, epoch: holding.epoch, from: advance.from, to: advance.to,
      expiresAt: gateway.settings.now().advanced(byMilliseconds: keptFor), on: eventLoop
    ).assumeIsolated().whenComplete { result in
      switch result {
      case .failure(let error): self.carryOut(self.machine.recordFailed("the ledger failed: \(Self.words(for: error))"))
      case .success:
        switch self.machine.ledgerRecorded(upTo: advance.to) {
        case .nothing: break
        case .acknowledge(let offset):
          self.onEvent?(.safe(upTo: offset))
          self.considerCheckpoint(isQuiet: false)
        case .end(let ending): self.end(ending)
        }
      }
    }
  }

  /// The file has its final name by now: a ledger that fails for a moment (a full disk) must not leave it unrecorded.
  func settle(size: Int64, attempt: Int) {
    guard let holding else { return }
    let settlement = Settlement(
      key: key, epoch: holding.epoch, size: size, charged: admission.route.charge(size: size, stored: result.stored),
      digest: result.digest ?? digest, at: gateway.settings.now(),
      // A window's quota has to know also of what was taken away at once, and with it the evidence.
      isEvident: result.isEvident && admission.quotas.allSatisfy { $0.window == 0 })
    gateway.ledger.settle(settlement, on: eventLoop).assumeIsolated().whenComplete { result in
      switch result {
      case .success: self.settled(size: size)
      // The attempt before may have been committed, and only its answer was a failure.
      case .failure(LedgerError.unknown) where attempt > 1: self.lookWhetherSettled(size: size)
      case .failure(LedgerError.engine(let what)) where attempt < 5:
        self.logger.error("Ledger failed to settle; trying again", metadata: self.details(["reason": "\(what)"]))
        self.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { self.settle(size: size, attempt: attempt + 1) }
      case .failure(let error): self.carryOut(self.machine.settleFailed("the ledger failed: \(Self.words(for: error))"))
      }
    }
  }

  private func settled(size: Int64) {
    machine.ledgerSettled()
    logger.info("Upload complete", metadata: details(["size": "\(size)"]))
    result.digest = result.digest ?? digest
    end(.complete(size: size, result))
  }

  private func lookWhetherSettled(size: Int64) {
    gateway.ledger.find(key, on: eventLoop).assumeIsolated().whenComplete { result in
      switch result {
      case .success(let record?) where record.state == .done && record.committed == size: self.settled(size: size)
      case .success: self.carryOut(self.machine.settleFailed("the ledger does not know the upload any more"))
      case .failure(let error): self.carryOut(self.machine.settleFailed("the ledger failed: \(Self.words(for: error))"))
      }
    }
  }

  private static func words(for error: any Error) -> String {
    (error as? LedgerError)?.words ?? "\(error)"
  }

  // MARK: Ending

  func carryOut(_ decision: UploadMachine.OnLeave) {
    switch decision {
    case .nothing, .wait: return
    case .suspendSink: sink?.suspend()
    case .drop: drop(thenTell: .settled(at: 0))
    }
  }

  func carryOut(_ decision: UploadMachine.OnFailure) {
    switch decision {
    case .nothing: return
    case .suspendSink: sink?.suspend()
    case .drop(let failure): drop(thenTell: .failed(failure, safe: 0))
    case .abandon(let failure): abandon(failure)
    case .end(let failure): end(.failed(failure, safe: machine.recorded))
    }
  }

  /// The ledger first: bytes without a record are swept at the next start, a record without bytes would be a loss.
  func drop(thenTell event: UploadEvent, attempt: Int = 1) {
    guard let holding else { return end(event) }
    gateway.ledger.release(key, epoch: holding.epoch, on: eventLoop).assumeIsolated().whenComplete { result in
      switch result {
      case .success: self.sink?.abandon()
      case .failure(LedgerError.engine(let what)) where attempt < 5:
        self.logger.error("Ledger failed to release; trying again", metadata: self.details(["reason": "\(what)"]))
        self.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
          self.drop(thenTell: event, attempt: attempt + 1)
        }
        return
      case .failure(LedgerError.fenced):
        // Another gateway has claimed it: what is safe of it is no longer ours to remove.
        self.logger.error("Upload was claimed elsewhere", metadata: self.details())
        self.sink?.suspend()
      // An attempt before this one has released it, and only its answer was a failure.
      case .failure(LedgerError.unknown): self.sink?.abandon()
      case .failure(let error):
        // While the ledger has its record, its bytes stay: they go together, with its client's next try or when it expires.
        self.logger.error("Ledger failed to release", metadata: self.details(["reason": "\(Self.words(for: error))"]))
        self.sink?.suspend()
      }
      self.end(event)
    }
  }

  /// Nobody can go on with it; its client may still ask.
  func abandon(_ failure: UploadFailure, attempt: Int = 1) {
    guard let holding else { return }
    gateway.ledger.fail(
      key, epoch: holding.epoch, expiresAt: gateway.expiry(on: admission.route), on: eventLoop
    ).assumeIsolated().whenComplete { result in
      switch result {
      case .success: break
      case .failure(LedgerError.engine(let what)) where attempt < 5:
        self.logger.error(
          "Ledger failed to record a failure; trying again", metadata: self.details(["reason": "\(what)"]))
        self.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
          self.abandon(failure, attempt: attempt + 1)
        }
        return
      case .failure(let error):
        self.logger.error(
          "Ledger failed to record a failure", metadata: self.details(["reason": "\(Self.words(for: error))"]))
      }
      self.sink?.abandon()
      self.end(.failed(failure, safe: self.machine.safeInSink))
    }
  }

  func end(_ ending: UploadMachine.Ending) {
    switch ending {
    case .left: end(.settled(at: machine.recorded))
    case .failed(let failure): end(.failed(failure, safe: machine.recorded))
    }
  }

  /// A front that waits for an offer hears that there is none, whatever the reason.
  func beforeOffer(_ event: UploadEvent) -> UploadEvent {
    switch event {
    case .settled, .refused(.shutdown): .refused(isSuperseded ? .superseded : .shutdown)
    case .failed(.full, _): .refused(.full)
    case .failed(.storage(let what), _): .refused(.storage(what))
    case .failed(.digest, _), .failed(.content, _): .refused(.otherDigest)
    case .failed(.backend(let what), _), .failed(.backendTimeout(let what), _):
      .refused(isNew ? .backend(what) : .broken)
    // Nothing was left to upload: an earlier connection had brought all there.
    case .complete(let size, let result):
      .alreadyComplete(
        UploadAccount(key: key, safe: size, total: admission.total, state: .done, digest: result.digest))
    case .offered, .refused, .alreadyComplete, .paused, .resumed, .safe, .superseded: event
    }
  }

  func end(_ last: UploadEvent) {
    let event = isOffered ? last : beforeOffer(last)
    switch event {
    case .settled(let offset): logger.info("Upload left", metadata: details(["safe": "\(offset)"]))
    case .failed(let failure, let safe):
      logger.error("Upload failed", metadata: details(["reason": "\(failure.words)", "safe": "\(safe)"]))
    case .refused(.storage(let what)) where !isNew:
      // Of an upload that was begun before: bytes that were called safe may be missing.
      logger.error("Upload refused", metadata: details(["reason": "\(Refusal.storage(what).words)"]))
    case .refused(let refusal): logger.info("Upload refused", metadata: details(["reason": "\(refusal.words)"]))
    case .offered, .alreadyComplete, .paused, .resumed, .safe, .complete, .superseded: break
    }
    quietCheck?.cancel()
    quietCheck = nil
    bandwidthPause?.cancel()
    bandwidthPause = nil
    gateway.memory.giveBack(machine.inFlight)
    // Without a sink nobody else lets go of what was promised; before it was held, it may be another connection's.
    if sink == nil, holding != nil { gateway.forwarder(of: admission.route).limitPromise(to: 0, of: key) }
    sink = nil
    if let attachment { gateway.attachments.detach(attachment) }
    attachment = nil
    onEvent?(event)
    onEvent = nil
  }
}
