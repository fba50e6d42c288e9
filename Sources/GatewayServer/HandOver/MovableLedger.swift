import GatewayCore
import NIOCore
import Synchronization

/// A gateway's ledger, which may be another one from one call to the next: when another process takes over. Each call is made
/// with the lock held, so that none reaches the one before when it is closed; a call only puts down what is asked.
final class MovableLedger: Ledger {
  private let current: Mutex<any Ledger>

  init(_ ledger: any Ledger) {
    current = Mutex(ledger)
  }

  /// Calls go to this one from now on.
  func move(to ledger: any Ledger) { current.withLock { $0 = ledger } }

  func open(_ reservation: Reservation, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    current.withLock { $0.open(reservation, on: eventLoop) }
  }

  func find(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<UploadRecord?> {
    current.withLock { $0.find(key, on: eventLoop) }
  }

  func takeOver(_ request: LeaseRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    current.withLock { $0.takeOver(request, on: eventLoop) }
  }

  func extend(_ extension: GrantExtension, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    current.withLock { $0.extend(`extension`, on: eventLoop) }
  }

  func advance(_ advance: Advance, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    current.withLock { $0.advance(advance, on: eventLoop) }
  }

  func renew(_ renewals: [LeaseRenewal], on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    current.withLock { $0.renew(renewals, on: eventLoop) }
  }

  func complete(_ completion: Completion, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    current.withLock { $0.complete(completion, on: eventLoop) }
  }

  func fail(
    _ key: UploadKey, epoch: Int64, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    current.withLock { $0.fail(key, epoch: epoch, expiresAt: expiresAt, events: events, on: eventLoop) }
  }

  func complete(_ wanted: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    current.withLock { $0.complete(wanted, on: eventLoop) }
  }

  func depart(
    _ keys: [UploadKey], _ file: UploadRecord.FileState, on eventLoop: any EventLoop
  ) -> EventLoopFuture<[UploadKey]> {
    current.withLock { $0.depart(keys, file, on: eventLoop) }
  }

  func prune(_ old: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<Int> {
    current.withLock { $0.prune(old, on: eventLoop) }
  }

  func forget(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    current.withLock { $0.forget(key, on: eventLoop) }
  }

  func retract(
    _ key: UploadKey, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    current.withLock { $0.retract(key, expiresAt: expiresAt, events: events, on: eventLoop) }
  }

  func release(
    _ key: UploadKey, epoch: Int64, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    current.withLock { $0.release(key, epoch: epoch, events: events, on: eventLoop) }
  }

  func unfinished(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    current.withLock { $0.unfinished(of: holder, on: eventLoop) }
  }

  func expired(at time: WallTime, of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    current.withLock { $0.expired(at: time, of: holder, on: eventLoop) }
  }

  func dropWindows(before start: WallTime, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    current.withLock { $0.dropWindows(before: start, on: eventLoop) }
  }

  func claimEvents(_ claim: EventClaim, on eventLoop: any EventLoop) -> EventLoopFuture<EventBatch> {
    current.withLock { $0.claimEvents(claim, on: eventLoop) }
  }

  func delivered(
    _ id: String, to target: String, hastens: Bool, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    current.withLock { $0.delivered(id, to: target, hastens: hastens, on: eventLoop) }
  }

  func undelivered(_ failure: EventFailure, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    current.withLock { $0.undelivered(failure, on: eventLoop) }
  }

  func quotas(on eventLoop: any EventLoop) -> EventLoopFuture<[QuotaRecord]> {
    current.withLock { $0.quotas(on: eventLoop) }
  }
}
