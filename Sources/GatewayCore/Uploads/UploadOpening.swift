import Logging
import Metrics
import NIOCore

// The way to the offer: the lock, the ledger's lease, and the sink.
extension Upload {
  /// The record of an earlier upload is found. It stays what its client said at its beginning, whatever it says now: what
  /// inspects the bytes, and what is kept beside them, must not change in the middle.
  func found(_ facts: UploadFacts, total: Int64?, _ admission: Admission) {
    self.admission = admission
    right = admission.right
    self.facts = facts
    self.facts.total = total
  }

  /// Locks the upload, asks the ledger by `makeLease`, and opens the sink.
  func begin(with makeLease: @escaping () -> EventLoopFuture<Lease>) {
    // What is small enough has arrived before it could be paused: so many small uploads wait for each other here.
    let wait = admission.runtime.bandwidth.take(0, for: admission.identity.subject, now: eventLoop.now)
    // The caller does not have this upload in hand yet, so no event may come from within.
    if wait > .zero {
      eventLoop.assumeIsolated().scheduleTask(in: wait) { self.takeLock(then: makeLease) }
    } else {
      eventLoop.assumeIsolated().execute { self.takeLock(then: makeLease) }
    }
  }

  private func takeLock(then makeLease: @escaping () -> EventLoopFuture<Lease>) {
    guard machine.isAwaited else { return refuse(Refusal.shutdown) }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    let eventLoop = eventLoop
    let route = admission.route
    gateway.locks.lock(
      UploadLocks.Request(
        key: key, connected: admission.runtime.connected, subject: admission.identity.subject,
        limit: isOwnWork ? .max : route.limits.concurrent,
        clientLimit: isOwnWork ? .max : route.clientLimits.concurrent ?? .max, keptFor: keptFor),
      on: eventLoop, letGo: { eventLoop.execute { bound.value.letGo() } }
    ).assumeIsolated().whenComplete { result in
      switch result {
      case .failure(let error): self.refuse(error)
      case .success(let lock):
        self.lock = lock
        guard self.machine.isAwaited else { return self.refuse(Refusal.shutdown) }
        makeLease().assumeIsolated().whenComplete { result in
          switch result {
          case .failure(let error): self.refuse(error)
          case .success(let lease): self.leased(lease)
          }
        }
      }
    }
  }

  /// Whether no client waits for it: the gateway bounds what it does by itself.
  private var isOwnWork: Bool { parts != nil && !isNew }

  private func leased(_ lease: Lease) {
    self.lease = lease
    facts = lease.facts
    growth?.leased(upTo: lease.granted, from: lease.committed)
    noteLease(expiresAt: gateway.settings.now().advanced(byMilliseconds: keptFor))
    switch machine.leased(at: lease.committed, total: facts.total, isPart: facts.role == .part) {
    case .letGo:
      giveBack(lease)
      end(.suspended(at: lease.committed))
    case .drop: drop(thenTell: .suspended(at: 0))
    case .openSink(let offset):
      if facts.total == nil, lease.committed >= admission.limit {
        giveBack(lease)
        return refuse(Refusal.tooLarge(limit: admission.limit))
      }
      if lease.granted == lease.committed, facts.total != lease.committed, admission.transfer.bringsBytes {
        giveBack(lease)
        return refuse(LedgerError.quota(available: 0, windows: lease.shortWindows))
      }
      let upload = SinkUpload(
        facts: facts, client: admission.identity, transfer: admission.transfer, state: lease.storeState,
        isResumed: !isNew)
      sink = admission.runtime.forwarder.makeSink(for: upload, from: offset, on: eventLoop) { self.sinkSaid($0) }
    }
  }

  /// Nobody waits for the answer: whoever is next asks the ledger after this.
  private func giveBack(_ lease: Lease) {
    _ = gateway.giveBack(lease, admission, on: eventLoop)
  }

  /// Nothing is leased: the request is refused, or what it asks for is complete.
  func refuse(_ error: any Error) {
    machine.refused()
    if let complete = error as? AlreadyComplete {
      facts = complete.record.facts
      return end(.alreadyComplete(UploadAccount(complete.record)))
    }
    end(.refused(gateway.refusal(for: error)))
  }

  /// A newer connection wants the upload.
  private func letGo() {
    if !gateway.holdsItsOwn(at: eventLoop.now), losesLease() { return }
    let decision = machine.leave()
    guard decision != .nothing else { return }
    isSuperseded = true
    stopReason = stopReason ?? .superseded
    if isOffered { onEvent?(.superseded) }
    carryOut(decision)
  }

  private func beSeen(from offset: Int64) {
    guard parts == nil else { return }
    let remote = admission.transfer.connection.remote
    let live = LiveUpload(
      facts: facts, client: admission.identity.name, address: remote?.ipAddress ?? remote?.pathname ?? "",
      offset: offset, offeredAt: gateway.settings.now())
    self.live = live
    gateway.live.add(live)
  }

  func offer() {
    guard let lease else { return }
    isOffered = true
    gateway.memory.changeUploads(by: 1)
    admission.runtime.meters.offered.add()
    if !isNew { admission.runtime.meters.resumed.add() }
    beSeen(from: lease.committed)
    logger.debug(
      "Upload offered",
      metadata: details([
        "offset": .stringConvertible(lease.committed), "granted": .stringConvertible(lease.granted),
      ]))
    let offer = UploadOffer(
      key: key, offset: lease.committed, granted: growth.map { max($0.limit, lease.committed) } ?? lease.granted,
      total: facts.total,
      buffer: admission.transfer.buffer, format: facts.format)
    gateway.observer?.offered(facts, offer)
    onEvent?(.offered(offer))
    copyNext()
  }
}
