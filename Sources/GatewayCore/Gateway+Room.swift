import NIOCore

extension Gateway {
  /// Records a new upload, with no more than its forwarder has room for.
  func open(_ reservation: Reservation, to route: Route, on eventLoop: any EventLoop) -> EventLoopFuture<Holding> {
    guard reservation.wanted > 0 else { return ledger.open(reservation, on: eventLoop) }
    let forwarder = forwarder(of: route)
    let ledger = ledger
    let key = reservation.key
    return forwarder.promise(reservation.wanted, to: key, on: eventLoop).flatMap { room in
      guard room >= reservation.wanted || (reservation.takesPart && room > 0) else {
        return eventLoop.makeFailedFuture(SinkFailure.full)
      }
      var reservation = reservation
      reservation.wanted = Self.share(of: room, wanted: reservation.wanted, total: reservation.total)
      return ledger.open(reservation, on: eventLoop)
        .flatMap { Self.adjust(room, to: $0, of: key, forwarder, on: eventLoop) }
    }.flatMapErrorThrowing { error in
      forwarder.takeBackPromise(key)
      throw error
    }
  }

  /// Takes an unfinished upload for a new connection, with no more than its forwarder has room for. What it was granted
  /// before stays so.
  func claim(_ claim: Claim, of record: UploadRecord, to route: Route, on eventLoop: any EventLoop) -> EventLoopFuture<
    Holding
  > {
    let rest = claim.wanted - record.committed
    guard rest > 0 else { return ledger.claim(claim, on: eventLoop) }
    let forwarder = forwarder(of: route)
    let ledger = ledger
    let key = claim.key
    return forwarder.promise(rest, to: key, on: eventLoop).flatMap { room in
      guard room > 0 else {
        // The client is not gone: what is safe of its upload is kept for another window. Fenced, it is somebody's already.
        return ledger.advance(
          key, epoch: record.epoch, from: record.committed, to: record.committed, expiresAt: claim.expiresAt,
          on: eventLoop
        ).flatMapErrorThrowing { _ in }.flatMapThrowing { throw SinkFailure.full }
      }
      var claim = claim
      claim.wanted = record.committed + Self.share(of: room, wanted: rest, total: record.total)
      return ledger.claim(claim, on: eventLoop)
        .flatMap { Self.adjust(room, to: $0, of: key, forwarder, on: eventLoop) }
    }.flatMapErrorThrowing { error in
      if error as? LedgerError == .unknown { forwarder.takeBackPromise(key) }
      throw error
    }
  }

  /// A stream of unknown length wants as much as any may have. Where that is not there, it gets half of what is, so that it
  /// does not keep out all others; it can go on and ask for more.
  private static func share(of room: Int64, wanted: Int64, total: Int64?) -> Int64 {
    guard total == nil, room < wanted else { return min(room, wanted) }
    return max(1, room / 2)
  }

  /// What was granted is promised, and no more.
  private static func adjust(
    _ room: Int64, to holding: Holding, of key: UploadKey, _ forwarder: any Forwarder, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Holding> {
    let rest = holding.granted - holding.committed
    guard rest != room else { return eventLoop.makeSucceededFuture(holding) }
    // The ledger holds it already: an adjustment that fails promises others too little, which is no reason to refuse.
    return forwarder.promise(rest, to: key, on: eventLoop).map { _ in holding }.flatMapErrorThrowing { _ in holding }
  }
}
