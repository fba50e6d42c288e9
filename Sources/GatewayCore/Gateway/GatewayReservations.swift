import NIOCore

extension Gateway {
  /// What a new upload asks of the ledger.
  ///
  /// - Parameter keptFor: how long it is kept when no connection has it, in milliseconds.
  func reservation(
    of facts: UploadFacts, _ admission: Admission, wanted: Int64, takesPart: Bool, keptFor: Int64
  ) -> Reservation {
    let route = admission.route
    let state = admission.runtime.forwarder.initialState(
      of: SinkUpload(facts: facts, client: admission.identity, transfer: admission.transfer))
    return Reservation(
      facts: facts, wanted: wanted, takesPart: takesPart, quotas: admission.quotas,
      unfinishedLimit: route.limits.unfinished, clientUnfinishedLimit: route.clientLimits.unfinished ?? .max,
      holder: settings.holder, expiresAt: facts.createdAt.advanced(byMilliseconds: keptFor), storeState: state)
  }

  /// Records a new upload, with no more than its forwarder has room for.
  ///
  /// - Parameter isFull: what it fails with where there is not room enough; `nil` tells a full store from one that has less
  ///   than is wanted.
  func open(
    _ reservation: Reservation, to runtime: RouteRuntime, on eventLoop: any EventLoop, isFull: SinkFailure? = nil
  ) -> EventLoopFuture<Lease> {
    guard reservation.wanted > 0 else { return ledger.open(reservation, on: eventLoop) }
    let forwarder = runtime.forwarder
    let ledger = ledger
    let key = reservation.facts.key
    var request = SpaceRequest(
      key: key, bytes: reservation.wanted, takesPart: reservation.takesPart, subject: reservation.facts.subject)
    // No quota grants more: it would be reserved for nothing while the ledger answers.
    if request.takesPart, let cap = reservation.quotas.map(\.cap).min() {
      request.bytes = min(request.bytes, max(cap, 1))
    }
    return forwarder.reserveSpace(request, on: eventLoop).flatMap { [request] room in
      guard room > 0 else {
        let takesLess = request.takesPart || request.bytes == 1
        return eventLoop.makeFailedFuture(
          isFull ?? (takesLess ? .full : .storage("the store has no room for all of it")))
      }
      var reservation = reservation
      reservation.wanted = room
      return ledger.open(reservation, on: eventLoop).map { Self.limit($0, to: room, of: key, forwarder) }
    }.flatMapErrorThrowing { error in
      forwarder.limitReservedSpace(to: 0, of: key)
      throw error
    }
  }

  /// Takes an unfinished upload for a new connection, with no more than its forwarder has room for. What it was granted
  /// before stays reserved, also where there is no room for it now.
  func takeOver(
    _ leaseRequest: LeaseRequest, of record: UploadRecord, by subject: String, to runtime: RouteRuntime,
    on eventLoop: any EventLoop
  ) -> EventLoopFuture<Lease> {
    let rest = leaseRequest.wanted - record.committed
    guard rest > 0 else { return ledger.takeOver(leaseRequest, on: eventLoop) }
    let forwarder = runtime.forwarder
    let ledger = ledger
    let key = leaseRequest.key
    let request = SpaceRequest(key: key, bytes: rest, takesPart: true, subject: subject)
    return forwarder.reserveSpace(request, on: eventLoop).flatMap { room in
      guard room > 0 else {
        // The client is not gone: what is safe of its upload is kept for another window. Where this is fenced, it is
        // somebody's already.
        return ledger.advance(
          Advance(
            key: key, epoch: record.epoch, from: record.committed, to: record.committed,
            expiresAt: leaseRequest.expiresAt, endsLease: true), on: eventLoop
        ).flatMapErrorThrowing { _ in }.flatMapThrowing { throw SinkFailure.full }
      }
      var leaseRequest = leaseRequest
      leaseRequest.wanted = record.committed + room
      return ledger.takeOver(leaseRequest, on: eventLoop).map { Self.limit($0, to: room, of: key, forwarder) }
    }.flatMapErrorThrowing { error in
      forwarder.limitReservedSpace(to: 0, of: key)
      throw error
    }
  }

  /// What is offered is what is granted and reserved, both.
  private static func limit(
    _ lease: Lease, to room: Int64, of key: UploadKey, _ forwarder: any Forwarder
  ) -> Lease {
    var lease = lease
    let rest = lease.granted - lease.committed
    if rest < room { forwarder.limitReservedSpace(to: rest, of: key) }
    lease.granted = lease.committed + min(rest, room)
    return lease
  }
}
