package import Logging
package import NIOCore

extension Gateway {
  /// Goes on with an earlier upload. The first event is ``UploadEvent/offered``, ``UploadEvent/alreadyComplete`` or
  /// ``UploadEvent/refused``.
  ///
  /// Where another connection of the same client has the upload, that one makes safe what arrived, and loses it.
  ///
  /// - Parameters:
  ///   - about: metadata for each record that the upload writes to `logger`, asked for when it does.
  ///   - onEvent: called on `eventLoop`, never from within this call.
  /// - Throws: ``Refusal`` where the route's rules alone forbid it.
  package func resume(
    _ request: UploadResumption, on eventLoop: any EventLoop, logger: Logger,
    about: @escaping () -> Logger.Metadata = { [:] }, onEvent: @escaping (UploadEvent) -> Void
  ) throws(Refusal) -> Upload {
    let admission: Admission
    do throws(Refusal) {
      if let refusal = leaseRefusal(at: eventLoop.now) { throw refusal }
      admission = try gatekeeper.admit(request, at: settings.now())
      try judgePressure(of: admission, on: eventLoop)
    } catch {
      throw refuse(request.access, error)
    }
    // Until the record is found, the upload knows of itself what the request says.
    let facts = UploadFacts(
      key: request.key, route: admission.route.path, digest: request.digest, total: nil, createdAt: settings.now())
    let upload = Upload(
      UploadTask(facts: facts, admission: admission, isNew: false, isResumable: true), gateway: self, on: eventLoop,
      logger: logger, about: about, onEvent: onEvent)
    // Whose it is comes before the lock: a stranger with a guessed key must not take a stream from its client.
    // A future that has its answer already calls back at once, so the question waits until the caller has the upload.
    eventLoop.assumeIsolated().execute {
      self.find(request, admission, on: eventLoop).assumeIsolated().whenComplete { result in
        switch result {
        case .failure(let error): upload.refuse(error)
        case .success(let record):
          let admission = admission.on(record.facts, at: self.settings.now())
          let total = record.facts.total ?? request.lateTotal
          upload.found(record.facts, total: total, admission)
          if total == nil { upload.growth = self.growth(of: admission, atMost: request.atMost) }
          let wanted = total ?? upload.growth?.first(from: record.committed) ?? 0
          upload.begin { self.takeOver(record, request, wanted: wanted, admission, on: eventLoop) }
        }
      }
    }
    return upload
  }

  /// The record of an open upload that everything fits which the request declares.
  private func find(
    _ request: UploadResumption, _ admission: Admission, on eventLoop: any EventLoop
  ) -> EventLoopFuture<UploadRecord> {
    findOwn(request.key, of: admission.client, on: eventLoop).flatMapThrowing { record in
      if case .value(let total) = request.total, total != record.facts.total { throw Refusal.otherTotal }
      switch record.state {
      case .done: throw AlreadyComplete(record: record)
      case .failed: throw Refusal.broken
      // Its bytes come from its parts alone.
      case .open: if record.facts.role.isFinal { throw Refusal.unknownUpload }
      }
      if let announced = request.digest, let recorded = record.facts.digest, announced != recorded {
        throw Refusal.otherDigest
      }
      if let total = request.lateTotal {
        guard record.facts.total == nil || record.facts.total == total, total >= record.committed else {
          throw Refusal.otherTotal
        }
        try admission.checkSize(total)
      }
      // More may be safe than is recorded while a connection still has the upload, and never less.
      if let offset = request.offset, offset < record.committed { throw Refusal.otherOffset(safe: record.committed) }
      return record
    }
  }

  private func takeOver(
    _ record: UploadRecord, _ request: UploadResumption, wanted: Int64, _ admission: Admission,
    on eventLoop: any EventLoop
  ) -> EventLoopFuture<Lease> {
    let leaseRequest = LeaseRequest(
      key: request.key, holder: settings.holder, quotas: admission.quotas, wanted: wanted,
      lateTotal: request.lateTotal, digest: request.digest, expiresAt: expiry(on: admission.route))
    return takeOver(leaseRequest, of: record, admission, on: eventLoop)
      .flatMapError { error in
        // While this connection waited for the one before, that one may have completed, dropped or broken the upload, or
        // have brought more than this one's late total.
        guard [.unknown, .fenced].contains(error as? LedgerError) else { return eventLoop.makeFailedFuture(error) }
        return self.find(request, admission, on: eventLoop).flatMapThrowing { _ in throw Refusal.unknownUpload }
      }
      .flatMap { lease in
        guard let refusal = request.refusal(of: lease) else { return eventLoop.makeSucceededFuture(lease) }
        return self.giveBack(lease, admission, on: eventLoop).flatMapThrowing { throw refusal }
      }
  }

  /// Nothing comes of the lease: somebody else may have the upload at once. Where the ledger fails, the lease runs out.
  func giveBack(_ lease: Lease, _ admission: Admission, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    admission.runtime.forwarder.limitReservedSpace(to: 0, of: lease.facts.key)
    return ledger.advance(
      Advance(
        key: lease.facts.key, epoch: lease.epoch, from: lease.committed, to: lease.committed,
        expiresAt: expiry(on: admission.route), endsLease: admission.runtime.traits.survivesRestart), on: eventLoop
    ).flatMapErrorThrowing { _ in }
  }
}

extension UploadResumption {
  /// Why the lease does not fit what is declared; `nil` where it does. It fitted when the record was found, but another
  /// connection may have given a total or a digest since, or made more bytes safe.
  fileprivate func refusal(of lease: Lease) -> Refusal? {
    if let lateTotal {
      if lateTotal != lease.facts.total { return .otherTotal }
    } else if case .value(let total) = total, total != lease.facts.total {
      return .otherTotal
    }
    if let announced = digest, let recorded = lease.facts.digest, announced != recorded { return .otherDigest }
    if let offset, offset != lease.committed { return .otherOffset(safe: lease.committed) }
    return nil
  }
}

/// What goes on instead of a lease on an upload that turned out to be complete.
struct AlreadyComplete: Error {
  let record: UploadRecord
}
