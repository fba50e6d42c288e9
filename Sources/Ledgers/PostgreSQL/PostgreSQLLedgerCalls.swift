#if PostgreSQL
  package import GatewayCore
  package import NIOCore

  // Each call of the protocol, and how long it is worth waiting for.
  extension PostgreSQLLedger: Ledger {
    /// See ``/GatewayCore/Ledger``.
    package func open(_ reservation: Reservation, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
      submit(on: eventLoop, about: reservation.facts.key, .brief) { (session) throws(DatabaseFailure) in
        try SharedCalls.open(reservation, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func find(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<UploadRecord?> {
      let statement = SharedUploads.read(key)
      return submit(on: eventLoop, about: key, .brief, statement: statement) { (session) throws(DatabaseFailure) in
        try SharedCalls.find(key, by: statement, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``. Where another gateway has it, that one hears that it is wanted.
    package func takeOver(_ request: LeaseRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
      submit(on: eventLoop, about: request.key, .brief) { (session) throws(DatabaseFailure) in
        try SharedCalls.takeOver(request, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func extend(_ extension: GrantExtension, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
      submit(on: eventLoop, about: `extension`.key, .brief) { (session) throws(DatabaseFailure) in
        try SharedCalls.extend(`extension`, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func advance(_ advance: Advance, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
      let statement = SharedUploads.advance(advance)
      // One that goes back changes nothing, and so is never sent along.
      return submit(
        on: eventLoop, about: advance.key, .lease, statement: advance.to >= advance.from ? statement : nil
      ) { (session) throws(DatabaseFailure) in
        try SharedCalls.advance(advance, by: statement, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func renew(_ renewals: [LeaseRenewal], on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
      guard !renewals.isEmpty else { return eventLoop.makeSucceededVoidFuture() }
      return submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        _ = try session.one(SharedUploads.renew(renewals))
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func complete(_ completion: Completion, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
      submit(on: eventLoop, about: completion.key, .lease) { (session) throws(DatabaseFailure) in
        try SharedCalls.complete(completion, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func fail(
      _ key: UploadKey, epoch: Int64, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
    ) -> EventLoopFuture<Void> {
      submit(on: eventLoop, about: key, .lease) { (session) throws(DatabaseFailure) in
        try SharedCalls.fail(key, epoch: epoch, expiresAt: expiresAt, events: events, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func complete(_ wanted: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
      submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        try SharedCalls.records(SharedUploads.complete(wanted), in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``. A transaction for each of them.
    package func depart(
      _ keys: [UploadKey], _ file: UploadRecord.FileState, on eventLoop: any EventLoop
    ) -> EventLoopFuture<[UploadKey]> {
      submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        try SharedCalls.depart(keys, file, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func prune(_ old: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<Int> {
      submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        try session.one(SharedUploads.prune(old)).affected
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func forget(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
      submit(on: eventLoop, about: key, .brief) { (session) throws(DatabaseFailure) in
        try SharedCalls.giveBack(key, by: SharedUploads.deleteDone(key), in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func retract(
      _ key: UploadKey, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
    ) -> EventLoopFuture<Void> {
      submit(on: eventLoop, about: key, .brief) { (session) throws(DatabaseFailure) in
        try SharedCalls.giveBack(
          key, by: SharedUploads.retract(key, expiresAt: expiresAt), events: events, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func release(
      _ key: UploadKey, epoch: Int64, events: [Event], on eventLoop: any EventLoop
    ) -> EventLoopFuture<Void> {
      submit(on: eventLoop, about: key, .lease) { (session) throws(DatabaseFailure) in
        try SharedCalls.release(key, epoch: epoch, events: events, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``. Ordered by route and age.
    package func unfinished(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
      submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        try SharedCalls.records(SharedUploads.unfinished(of: holder), in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``. Ordered by route and age.
    package func expired(
      at time: WallTime, of holder: String, on eventLoop: any EventLoop
    ) -> EventLoopFuture<[UploadRecord]> {
      submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        try SharedCalls.records(SharedUploads.expired(at: time, of: holder), in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func dropWindows(before start: WallTime, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
      submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        _ = try session.one(SharedQuotas.dropWindows(before: start))
      }
    }

    /// See ``/GatewayCore/Ledger``. Every commit is flushed.
    package func claimEvents(_ claim: EventClaim, on eventLoop: any EventLoop) -> EventLoopFuture<EventBatch> {
      submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        try SharedCalls.claimEvents(claim, in: session)
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func delivered(
      _ id: String, to target: String, hastens: Bool, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Void> {
      submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        _ = try session.exchange(SharedEvents.delivered(id, to: target, hastens: hastens))
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func undelivered(_ failure: EventFailure, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
      submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        _ = try session.one(SharedEvents.undelivered(failure))
      }
    }

    /// See ``/GatewayCore/Ledger``.
    package func quotas(on eventLoop: any EventLoop) -> EventLoopFuture<[QuotaRecord]> {
      submit(on: eventLoop, .brief) { (session) throws(DatabaseFailure) in
        try session.one(Command(QuotaRecord.selection)).map { QuotaRecord(row: $0) }
      }
    }
  }
#endif
