package import GatewayCore
package import NIOCore

// Each call of the protocol: what it does inside the transaction, and what its answer must have survived.
extension EmbeddedLedger: Ledger {
  /// See ``/GatewayCore/Ledger``.
  package func open(_ reservation: Reservation, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    submit(on: eventLoop, .processEnd, grows: true) { (transaction) throws(LedgerError) in
      try transaction.open(reservation)
    }
  }

  /// See ``/GatewayCore/Ledger``.
  package func find(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<UploadRecord?> {
    submit(on: eventLoop, .processEnd) { (transaction) throws(LedgerError) in try transaction.find(key) }
  }

  /// See ``/GatewayCore/Ledger``. The file's lock proves that no other gateway has a lease.
  package func takeOver(_ request: LeaseRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    submit(on: eventLoop, .powerCut, grows: true) { (transaction) throws(LedgerError) in
      try transaction.takeOver(request)
    }
  }

  /// See ``/GatewayCore/Ledger``. A file gets its final name only once this is flushed, as the offer is.
  package func extend(_ extension: GrantExtension, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    submit(on: eventLoop, .processEnd, grows: true) { (transaction) throws(LedgerError) in
      try transaction.extend(`extension`)
    }
  }

  /// See ``/GatewayCore/Ledger``.
  package func advance(_ advance: Advance, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    submit(on: eventLoop, .powerCut) { (transaction) throws(LedgerError) in try transaction.advance(advance) }
  }

  /// See ``/GatewayCore/Ledger``.
  package func renew(_ renewals: [LeaseRenewal], on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    submit(on: eventLoop, .processEnd) { (transaction) throws(LedgerError) in try transaction.renew(renewals) }
  }

  /// See ``/GatewayCore/Ledger``. An upload that is provably complete is found so again.
  package func complete(_ completion: Completion, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    submit(on: eventLoop, completion.isProvableFromDisk ? .flushSoon : .powerCut) {
      (transaction) throws(LedgerError) in
      try transaction.complete(completion)
    }
  }

  /// See ``/GatewayCore/Ledger``.
  package func fail(
    _ key: UploadKey, epoch: Int64, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    submit(on: eventLoop, .powerCut) { (transaction) throws(LedgerError) in
      try transaction.fail(key, epoch: epoch, expiresAt: expiresAt, events: events)
    }
  }

  /// See ``/GatewayCore/Ledger``.
  package func complete(_ wanted: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    submit(on: eventLoop, .processEnd) { (transaction) throws(LedgerError) in try transaction.complete(wanted) }
  }

  /// See ``/GatewayCore/Ledger``.
  package func depart(
    _ keys: [UploadKey], _ file: UploadRecord.FileState, on eventLoop: any EventLoop
  ) -> EventLoopFuture<[UploadKey]> {
    submit(on: eventLoop, file == .leaving ? .powerCut : .processEnd) { (transaction) throws(LedgerError) in
      try transaction.depart(keys, file)
    }
  }

  /// See ``/GatewayCore/Ledger``.
  package func prune(_ old: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<Int> {
    submit(on: eventLoop, .processEnd) { (transaction) throws(LedgerError) in try transaction.prune(old) }
  }

  /// See ``/GatewayCore/Ledger``.
  package func forget(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    submit(on: eventLoop, .powerCut) { (transaction) throws(LedgerError) in try transaction.forget(key) }
  }

  /// See ``/GatewayCore/Ledger``.
  package func retract(
    _ key: UploadKey, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    submit(on: eventLoop, .powerCut) { (transaction) throws(LedgerError) in
      try transaction.retract(key, expiresAt: expiresAt, events: events)
    }
  }

  /// See ``/GatewayCore/Ledger``.
  package func release(
    _ key: UploadKey, epoch: Int64, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    submit(on: eventLoop, .powerCut) { (transaction) throws(LedgerError) in
      try transaction.release(key, epoch: epoch, events: events)
    }
  }

  /// See ``/GatewayCore/Ledger``. All of them: the file's lock proves that no other gateway has a lease. Ordered by route
  /// and age.
  package func unfinished(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    submit(on: eventLoop, .processEnd) { (transaction) throws(LedgerError) in try transaction.unfinished() }
  }

  /// See ``/GatewayCore/Ledger``. Ordered by route and age.
  package func expired(
    at time: WallTime, of holder: String, on eventLoop: any EventLoop
  ) -> EventLoopFuture<[UploadRecord]> {
    submit(on: eventLoop, .processEnd) { (transaction) throws(LedgerError) in try transaction.expired(at: time) }
  }

  /// See ``/GatewayCore/Ledger``.
  package func dropWindows(before start: WallTime, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    submit(on: eventLoop, .processEnd) { (transaction) throws(LedgerError) in
      try transaction.dropWindows(before: start)
    }
  }

  /// See ``/GatewayCore/Ledger``. What the call changes is nothing, and what it flushes is what it saw.
  package func claimEvents(_ claim: EventClaim, on eventLoop: any EventLoop) -> EventLoopFuture<EventBatch> {
    submit(on: eventLoop, .powerCut) { (transaction) throws(LedgerError) in try transaction.claimEvents(claim) }
  }

  /// See ``/GatewayCore/Ledger``.
  package func delivered(
    _ id: String, to target: String, hastens: Bool, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    submit(on: eventLoop, .processEnd) { (transaction) throws(LedgerError) in
      try transaction.delivered(id, to: target, hastens: hastens)
    }
  }

  /// See ``/GatewayCore/Ledger``.
  package func undelivered(_ failure: EventFailure, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    submit(on: eventLoop, .processEnd) { (transaction) throws(LedgerError) in try transaction.undelivered(failure) }
  }

  /// See ``/GatewayCore/Ledger``.
  package func quotas(on eventLoop: any EventLoop) -> EventLoopFuture<[QuotaRecord]> {
    submit(on: eventLoop, .processEnd) { (transaction) throws(LedgerError) in try transaction.allQuotas() }
  }
}
