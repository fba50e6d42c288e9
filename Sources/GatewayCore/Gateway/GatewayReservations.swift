import NIOCore

extension Gateway {
  /// What a new upload asks of the ledger.
  ///
  /// - Parameters:
  ///   - keptFor: how long it is kept when no connection has it, in milliseconds.
  ///   - folders: ``SinkUpload/folders``.
  func reservation(
    of facts: UploadFacts, _ admission: Admission, wanted: Int64, takesPart: Bool, keptFor: Int64,
    folders: [String] = []
  ) -> Reservation {
    let route = admission.route
    var upload = SinkUpload(facts: facts, client: admission.identity, transfer: admission.transfer)
    upload.folders = folders
    let state = admission.runtime.forwarder.initialState(of: upload)
    let expiresAt = facts.createdAt.advanced(byMilliseconds: keptFor)
    return Reservation(
      facts: facts, wanted: wanted, takesPart: takesPart, quotas: admission.quotas,
      unfinishedLimit: route.limits.unfinished, clientUnfinishedLimit: route.clientLimits.unfinished ?? .max,
      holder: settings.holder, expiresAt: expiresAt, storeState: state,
      events: events(
        of: .begun,
        UploadRecord(
          facts: facts, committed: 0, granted: 0, state: .open, epoch: 1, expiresAt: expiresAt, storeState: state)))
  }

  /// How a stream of unknown length is granted what it needs.
  ///
  /// - Parameter atMost: what its request may bring at most, in bytes.
  func growth(of admission: Admission, atMost: Int64?) -> GrantGrowth {
    // No quota grants more: it would be reserved for nothing while the ledger answers.
    let cap = admission.quotas.map(\.cap).min() ?? .max
    return GrantGrowth(limit: min(atMost ?? .max, admission.limit, max(cap, 1)), steps: settings.growth)
  }

  /// Records a new upload, with no more than its forwarder has room for.
  func open(
    _ reservation: Reservation, _ admission: Admission, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Lease> {
    guard reservation.wanted > 0 else { return ledger.open(reservation, on: eventLoop) }
    let forwarder = admission.runtime.forwarder
    let ledger = ledger
    let key = reservation.facts.key
    var request = SpaceRequest(
      key: key, bytes: reservation.wanted, takesPart: reservation.takesPart, subject: reservation.facts.subject,
      share: Self.share(of: reservation.facts, admission))
    if request.takesPart, let cap = reservation.quotas.map(\.cap).min() {
      request.bytes = min(request.bytes, max(cap, 1))
    }
    return forwarder.reserveSpace(request, on: eventLoop).flatMap { room in
      var reservation = reservation
      reservation.wanted = room
      return ledger.open(reservation, on: eventLoop).map { Self.limit($0, to: room, of: key, forwarder) }
    }.flatMapErrorThrowing { error in
      forwarder.limitReservedSpace(to: 0, of: key)
      throw error
    }
  }

  /// What is made of parts is as large as they are together, which are within their client's share.
  static func share(of facts: UploadFacts, _ admission: Admission) -> Int {
    facts.role.isFinal ? 100 : admission.route.clientLimits.room
  }

  /// Takes an unfinished upload for a new connection, with no more than its forwarder has room for. What it was granted
  /// before stays reserved, also where there is no room for it now.
  func takeOver(
    _ leaseRequest: LeaseRequest, of record: UploadRecord, _ admission: Admission, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Lease> {
    let rest = leaseRequest.wanted - record.committed
    guard rest > 0 else { return claim(leaseRequest, canMove: admission.runtime.traits.survivesRestart, on: eventLoop) }
    let forwarder = admission.runtime.forwarder
    let ledger = ledger
    let key = leaseRequest.key
    let request = SpaceRequest(
      key: key, bytes: rest, takesPart: true, subject: admission.identity.subject,
      share: Self.share(of: record.facts, admission))
    return forwarder.reserveSpace(request, on: eventLoop).flatMapError { error in
      guard error is SpaceShortage else { return eventLoop.makeFailedFuture(error) }
      // The client is not gone: what is safe of its upload is kept for another window. Where this is fenced, it is
      // somebody's already.
      return ledger.advance(
        Advance(
          key: key, epoch: record.epoch, from: record.committed, to: record.committed,
          expiresAt: leaseRequest.expiresAt, endsLease: admission.runtime.traits.survivesRestart), on: eventLoop
      ).flatMapErrorThrowing { _ in }.flatMapThrowing { throw error }
    }.flatMap { room in
      var leaseRequest = leaseRequest
      leaseRequest.wanted = record.committed + room
      return self.claim(leaseRequest, canMove: admission.runtime.traits.survivesRestart, on: eventLoop).map {
        Self.limit($0, to: room, of: key, forwarder)
      }
    }.flatMapErrorThrowing { error in
      forwarder.limitReservedSpace(to: 0, of: key)
      throw error
    }
  }

  /// Reserves more for a stream that a connection has: space first, then quota.
  ///
  /// - Parameters:
  ///   - granted: where what it has ends, in bytes from the stream's start.
  ///   - end: where it shall end.
  ///   - isWanted: asked when there is space: whether the stream still goes on.
  /// - Returns: fails with ``Refusal/shutdown`` where it does not; else as the forwarder or the ledger does.
  func grow(
    _ lease: Lease, from granted: Int64, to end: Int64, _ admission: Admission, on eventLoop: any EventLoop,
    while isWanted: @escaping @Sendable () -> Bool
  ) -> EventLoopFuture<GrownGrant> {
    let facts = lease.facts
    let request = SpaceRequest(
      key: facts.key, bytes: end - granted, takesPart: true, subject: admission.identity.subject,
      share: Self.share(of: facts, admission), isGrowth: true)
    let quotas = admission.route.quotas(of: admission.identity, now: settings.now())
    let ledger = ledger
    return admission.runtime.forwarder.reserveSpace(request, on: eventLoop).flatMap { room in
      guard isWanted() else { return eventLoop.makeFailedFuture(Refusal.shutdown) }
      let asked = GrantExtension(key: facts.key, epoch: lease.epoch, quotas: quotas, end: granted + room)
      return ledger.extend(asked, on: eventLoop)
        .map { GrownGrant(end: min($0, asked.end), spare: max(0, asked.end - $0)) }
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

/// What a stream of unknown length has after it asked for more.
struct GrownGrant: Sendable {
  /// Where its grant ends, in bytes from the stream's start.
  var end: Int64
  /// Space that is reserved for it behind that, in bytes: the quotas left less.
  var spare: Int64
}
