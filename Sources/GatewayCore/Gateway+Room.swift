import NIOCore

extension Gateway {
  /// Records a new upload, with no more than its forwarder has room for.
  func open(_ reservation: Reservation, to route: Route, on eventLoop: any EventLoop) -> EventLoopFuture<Holding> {
    guard reservation.wanted > 0 else { return ledger.open(reservation, on: eventLoop) }
    let forwarder = forwarder(of: route)
    let ledger = ledger
    let key = reservation.key
    var wish = RoomWish(
      key: key, bytes: reservation.wanted, takesPart: reservation.takesPart, subject: reservation.subject)
    // No quota grants more: it would be promised for nothing while the ledger answers.
    if wish.takesPart, let cap = reservation.quotas.map(\.cap).min() { wish.bytes = min(wish.bytes, max(cap, 1)) }
    return forwarder.promise(wish, on: eventLoop).flatMap { [wish] room in
      guard room > 0 else {
        let takesLess = wish.takesPart || wish.bytes == 1
        return eventLoop.makeFailedFuture(
          takesLess ? SinkFailure.full : SinkFailure.storage("the store has no room for all of it"))
      }
      var reservation = reservation
      reservation.wanted = room
      return ledger.open(reservation, on: eventLoop).map { Self.limit($0, to: room, of: key, forwarder) }
    }.flatMapErrorThrowing { error in
      forwarder.limitPromise(to: 0, of: key)
      throw error
    }
  }

  /// Takes an unfinished upload for a new connection, with no more than its forwarder has room for. What it was granted
  /// before stays reserved, also where there is no room for it now.
  func claim(
    _ claim: Claim, of record: UploadRecord, by subject: String, to route: Route, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Holding> {
    let rest = claim.wanted - record.committed
    guard rest > 0 else { return ledger.claim(claim, on: eventLoop) }
    let forwarder = forwarder(of: route)
    let ledger = ledger
    let key = claim.key
    let wish = RoomWish(key: key, bytes: rest, takesPart: true, subject: subject)
    return forwarder.promise(wish, on: eventLoop).flatMap { room in
      guard room > 0 else {
        // The client is not gone: what is safe of its upload is kept for another window. Fenced, it is somebody's already.
        return ledger.advance(
          key, epoch: record.epoch, from: record.committed, to: record.committed, expiresAt: claim.expiresAt,
          on: eventLoop
        ).flatMapErrorThrowing { _ in }.flatMapThrowing { throw SinkFailure.full }
      }
      var claim = claim
      claim.wanted = record.committed + room
      return ledger.claim(claim, on: eventLoop).map { Self.limit($0, to: room, of: key, forwarder) }
    }.flatMapErrorThrowing { error in
      forwarder.limitPromise(to: 0, of: key)
      throw error
    }
  }

  /// What is offered is what is granted and promised, both.
  private static func limit(
    _ holding: Holding, to room: Int64, of key: UploadKey, _ forwarder: any Forwarder
  ) -> Holding {
    var holding = holding
    let rest = holding.granted - holding.committed
    if rest < room { forwarder.limitPromise(to: rest, of: key) }
    holding.granted = holding.committed + min(rest, room)
    return holding
  }
}
