import Logging
package import NIOCore

// What a gateway does that is one of several over a ledger.
extension Gateway {
  /// Keeps the gateway's lease from now on, where it has one.
  package func keepLease(on eventLoop: any EventLoop) -> RepeatedTask? {
    guard let lease else { return nil }
    return eventLoop.scheduleRepeatedTask(initialDelay: LeaseClock.lookEvery, delay: LeaseClock.lookEvery) { _ in
      lease.tick(of: self, on: eventLoop)
    }
  }

  /// Whether what this gateway holds is its own, as it always is where there is no other gateway.
  func holdsItsOwn(at now: NIODeadline) -> Bool { lease?.isLive(at: now) ?? true }

  /// Why nothing is begun at this moment; `nil` where it may be.
  func leaseRefusal(at now: NIODeadline) -> Refusal? {
    holdsItsOwn(at: now) ? nil : .away("the gateway has no lease, as the ledger could not be reached")
  }

  /// All that connections have is let go: what arrived is made safe, and recorded where it is still this gateway's.
  func leaseRanOut(_ reason: String) {
    let keys = locks.lockedKeys
    logger.error(
      "The gateway's lease has run out: what is under way is suspended",
      metadata: ["uploads": "\(keys.count)", "reason": "\(reason)"])
    for key in keys { locks.askHolder(of: key) }
  }

  /// Somebody waits for an upload at another gateway: the connection that has it here makes safe what arrived, and loses it.
  ///
  /// - Returns: whether no connection has it, so that it is to be let go of at once.
  func letGo(of upload: WantedUpload) -> Bool {
    // What cannot go on elsewhere is not let go.
    guard runtimes[upload.route]?.traits.survivesRestart ?? true else { return false }
    guard locks.lockedKeys.contains(upload.key) else { return true }
    locks.askHolder(of: upload.key)
    return false
  }

  /// Takes an unfinished upload from the ledger. Where another gateway has it, that one hears so, and this one waits for it
  /// for some seconds.
  func claim(
    _ request: LeaseRequest, canMove: Bool = true, on eventLoop: any EventLoop, attempt: Int = 1
  ) -> EventLoopFuture<Lease> {
    ledger.takeOver(request, on: eventLoop).flatMapError { error in
      guard case LedgerError.held? = error as? LedgerError, self.lease != nil, canMove, attempt < Self.claims else {
        return eventLoop.makeFailedFuture(error)
      }
      return eventLoop.flatScheduleTask(in: Self.betweenClaims) {
        self.claim(request, canMove: canMove, on: eventLoop, attempt: attempt + 1)
      }.futureResult
    }
  }

  private static let claims = 20
  private static let betweenClaims = TimeAmount.milliseconds(250)
}
