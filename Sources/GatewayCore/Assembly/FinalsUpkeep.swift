import Logging
package import NIOCore
import Synchronization

// Uploads that are made of others, without a client: the gateway makes them when their parts are full.
extension Gateway {
  /// A part is full, or is there no more.
  func partChanged(_ key: UploadKey, on eventLoop: any EventLoop) {
    if finals.withLock({ $0.changed(key) }) { lookAtFinals(on: eventLoop) }
  }

  /// Tries once more what could not be assembled for a reason that may have passed. Now and then, and after the start.
  package func retryFinals(on eventLoop: any EventLoop) {
    finals.withLock { finals in
      finals.tryPostponedAgain()
      if lease != nil { finals.lookAtAll() }
    }
    lookAtFinals(on: eventLoop)
  }

  /// The gateway goes away: what is being assembled is left, and goes on at the next start where nobody waits for it.
  package func stopAssembling() {
    let keys = finals.withLock { finals in
      finals.stop()
      return finals.assembling
    }
    for key in keys { locks.askHolder(of: key) }
  }

  /// Looks at all that are due, some at a time.
  func lookAtFinals(on eventLoop: any EventLoop) {
    while let key = finals.withLock({ $0.next() }) {
      look(at: key, on: eventLoop).whenComplete { result in
        let isPostponed = if case .success(.isDone) = result { false } else { true }
        if case .failure(let error) = result {
          self.logger.error(
            "Upload could not be made of its parts",
            metadata: ["upload": "\(key.logID)", "reason": "\(self.refusal(for: error).logDescription)"])
        }
        self.finals.withLock { $0.looked(at: key, postponing: isPostponed) }
        self.lookAtFinals(on: eventLoop)
      }
    }
  }

  private enum Look {
    /// Nothing is to be done before something of the parts changes.
    case isDone
    /// It is to be tried again later.
    case isPostponed
  }

  private func look(at key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Look> {
    ledger.find(key, on: eventLoop).flatMap { record -> EventLoopFuture<Look> in
      guard let record, record.state == .open, let runtime = self.gatekeeper.routes[record.facts.route] else {
        self.finals.withLock { $0.remove(key) }
        return eventLoop.makeSucceededFuture(.isDone)
      }
      return self.find(record.facts.role.parts, on: eventLoop) { self.ledger.find($0, on: eventLoop) }
        .flatMap { found in
          let parts = found.compactMap { $0 }.filter { $0.isOpenPart && $0.facts.route == record.facts.route }
          guard parts.count == found.count else {
            return self.giveUp(record, runtime, "one of its parts is there no more", on: eventLoop)
          }
          guard let list = PartList(parts) else { return eventLoop.makeSucceededFuture(.isDone) }
          guard list.total <= runtime.route.limits.upload, list.total == record.facts.total ?? list.total else {
            return self.giveUp(record, runtime, "its parts are too large together", on: eventLoop)
          }
          return self.assemble(record, of: list, runtime, on: eventLoop)
        }
    }
  }

  /// It can never be complete: its client hears so, and nothing is held for it.
  private func giveUp(
    _ record: UploadRecord, _ runtime: RouteRuntime, _ reason: String, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Look> {
    logger.notice(
      "Upload can never be made of its parts",
      metadata: ["upload": "\(record.key.logID)", "route": "\(record.facts.route)", "reason": "\(reason)"])
    return ledger.fail(
      record.key, epoch: record.epoch, expiresAt: expiry(on: runtime.route), events: events(of: .failed, record),
      on: eventLoop
    )
    .flatMap { runtime.forwarder.discard(record.key, on: eventLoop) }
    .map {
      self.finals.withLock { $0.remove(record.key) }
      return .isDone
    }
  }

  private func assemble(
    _ record: UploadRecord, of list: PartList, _ runtime: RouteRuntime, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Look> {
    // As its own client would go on with it.
    let right = ClientRight(
      of: ClientIdentity(owner: record.facts.owner, subject: record.facts.subject), on: record.facts.route)
    let admission = Admission(
      RecognisedClient(runtime: runtime, right: right), limit: runtime.route.limits.upload,
      terms: TransferTerms(buffer: 1 << 20), at: settings.now(), format: record.facts.format)
    let promise = eventLoop.makePromise(of: Look.self)
    let upload = Upload(
      UploadTask(facts: record.facts, admission: admission, isNew: false, isResumable: true, parts: list),
      gateway: self, on: eventLoop, logger: logger, about: { [:] }
    ) { event in
      switch event {
      case .offered, .paused, .resumed, .safe, .superseded, .unauthorized: break
      case .complete, .alreadyComplete:
        self.finals.withLock { $0.remove(record.key) }
        promise.completeWith(self.dropParts(of: record.facts, runtime.route, on: eventLoop).map { .isDone })
      case .refused(.quota), .refused(.windowFull):
        promise.completeWith(self.giveUp(record, runtime, "the quotas do not leave all of it", on: eventLoop))
      case .failed(let failure, _) where failure.consequence == .dropped:
        self.finals.withLock { $0.remove(record.key) }
        promise.succeed(.isDone)
      case .refused, .suspended, .failed: promise.succeed(.isPostponed)
      }
    }
    upload.begin { self.takeOver(record, whole: list.total, admission, on: eventLoop) }
    return promise.futureResult
  }

  /// Takes it for the gateway itself, with quota and space for all that is missing, or not at all.
  private func takeOver(
    _ record: UploadRecord, whole total: Int64, _ admission: Admission, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Lease> {
    let forwarder = admission.runtime.forwarder
    let rest = total - record.committed
    let space = SpaceRequest(key: record.key, bytes: rest, takesPart: false, subject: record.facts.subject)
    let room = rest > 0 ? forwarder.reserveSpace(space, on: eventLoop) : eventLoop.makeSucceededFuture(0)
    let request = LeaseRequest(
      key: record.key, holder: settings.holder, quotas: admission.quotas, wanted: total, lateTotal: total,
      expiresAt: expiry(on: admission.route))
    return room.flatMap { _ -> EventLoopFuture<Lease> in
      self.ledger.takeOver(request, on: eventLoop).flatMap { lease in
        guard lease.granted < total else { return eventLoop.makeSucceededFuture(lease) }
        return self.giveBack(lease, admission, on: eventLoop).flatMapThrowing {
          throw LedgerError.quota(available: lease.granted)
        }
      }
    }.flatMapErrorThrowing { error in
      forwarder.limitReservedSpace(to: 0, of: record.key)
      throw error
    }
  }
}
