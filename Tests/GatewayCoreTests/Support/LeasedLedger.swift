import GatewayCore
import NIOCore
import Synchronization

/// A ledger that several gateways share, in memory: whoever opens an upload or takes it over has a lease on it, which runs
/// out by the ledger's own clock unless its holder writes or renews.
final class LeasedLedger: Ledger {
  /// How long a lease lasts, in milliseconds.
  static let timeToLive: Int64 = 15_000

  private struct HeldLease {
    var holder: String
    var until: WallTime
  }

  private struct State {
    var books = LedgerBooks()
    var leases: [UploadKey: HeldLease] = [:]
  }

  private let clock: TestClock
  private let state = Mutex(State())

  init(clock: TestClock) {
    self.clock = clock
  }

  // MARK: For tests

  var uploads: [UploadKey: UploadRecord] { state.withLock { $0.books.uploads } }
  var violations: [String] { state.withLock { $0.books.violations } }

  func used(_ route: String) -> Int64 { state.withLock { $0.books.used[route, default: 0] } }

  /// Who has a lease on the upload that has not run out.
  func holder(of key: UploadKey) -> String? {
    state.withLock { Self.live(key, $0, clock.now)?.holder }
  }

  // MARK: Ledger

  func open(_ reservation: Reservation, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    answer(on: eventLoop) { state, now in
      let lease = try state.books.open(reservation)
      state.leases[lease.facts.key] = Self.lease(of: reservation.holder, from: now)
      return lease
    }
  }

  func find(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<UploadRecord?> {
    answer(on: eventLoop) { state, _ in state.books.uploads[key] }
  }

  func takeOver(_ request: LeaseRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    answer(on: eventLoop) { state, now in
      guard state.books.uploads[request.key]?.state == .open else { throw LedgerError.unknown }
      if let live = Self.live(request.key, state, now), live.holder != request.holder {
        throw LedgerError.held(by: live.holder)
      }
      let lease = try state.books.takeOver(request)
      state.leases[request.key] = Self.lease(of: request.holder, from: now)
      return lease
    }
  }

  func extend(_ extension: GrantExtension, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    answer(on: eventLoop) { state, _ in try state.books.extend(`extension`) }
  }

  func advance(_ advance: Advance, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(on: eventLoop) { state, now in
      try state.books.advance(advance)
      // One that has run out, and that nobody took over, lives on.
      state.leases[advance.key]?.until = now.advanced(byMilliseconds: Self.timeToLive)
      if advance.endsLease { state.leases[advance.key] = nil }
    }
  }

  func renew(_ renewals: [LeaseRenewal], on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(on: eventLoop) { state, now in
      for renewal in renewals where state.books.renew(renewal) {
        state.leases[renewal.key]?.until = now.advanced(byMilliseconds: Self.timeToLive)
      }
    }
  }

  func complete(_ completion: Completion, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(on: eventLoop) { state, _ in
      try state.books.complete(completion)
      state.leases[completion.key] = nil
    }
  }

  func fail(
    _ key: UploadKey, epoch: Int64, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    answer(on: eventLoop) { state, _ in
      try state.books.fail(key, epoch: epoch, expiresAt: expiresAt, events: events)
      state.leases[key] = nil
    }
  }

  func forget(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(on: eventLoop) { state, _ in try state.books.forget(key) }
  }

  func retract(
    _ key: UploadKey, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    answer(on: eventLoop) { state, _ in try state.books.retract(key, expiresAt: expiresAt, events: events) }
  }

  func claimEvents(_ claim: EventClaim, on eventLoop: any EventLoop) -> EventLoopFuture<EventBatch> {
    answer(on: eventLoop) { state, _ in state.books.due(claim) }
  }

  func delivered(
    _ id: String, to target: String, hastens: Bool, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    answer(on: eventLoop) { state, _ in state.books.delivered(id, to: target) }
  }

  func undelivered(_ failure: EventFailure, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    eventLoop.makeSucceededVoidFuture()
  }

  func release(
    _ key: UploadKey, epoch: Int64, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    answer(on: eventLoop) { state, _ in
      try state.books.release(key, epoch: epoch, events: events)
      state.leases[key] = nil
    }
  }

  func unfinished(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    answer(on: eventLoop) { state, now in Self.unfinished(of: holder, state, now) }
  }

  func expired(at time: WallTime, of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    answer(on: eventLoop) { state, now in Self.unfinished(of: holder, state, now).filter { $0.expiresAt <= time } }
  }

  func complete(_ wanted: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    answer(on: eventLoop) { state, _ in state.books.complete(wanted) }
  }

  func depart(
    _ keys: [UploadKey], _ file: UploadRecord.FileState, on eventLoop: any EventLoop
  ) -> EventLoopFuture<[UploadKey]> {
    answer(on: eventLoop) { state, _ in state.books.depart(keys, file) }
  }

  func prune(_ old: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<Int> {
    answer(on: eventLoop) { state, _ in state.books.prune(old) }
  }

  func dropWindows(before start: WallTime, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    eventLoop.makeSucceededVoidFuture()
  }

  func quotas(on eventLoop: any EventLoop) -> EventLoopFuture<[QuotaRecord]> {
    eventLoop.makeSucceededFuture([])
  }

  // MARK: Inside

  private static func lease(of holder: String, from now: WallTime) -> HeldLease {
    HeldLease(holder: holder, until: now.advanced(byMilliseconds: timeToLive))
  }

  private static func live(_ key: UploadKey, _ state: State, _ now: WallTime) -> HeldLease? {
    guard let lease = state.leases[key], lease.until > now else { return nil }
    return lease
  }

  private static func unfinished(of holder: String, _ state: State, _ now: WallTime) -> [UploadRecord] {
    state.books.unfinished.filter { live($0.key, state, now)?.holder ?? holder == holder }
  }

  /// What is asked happens at once; the answer comes at the event loop's next turn.
  private func answer<Answer: Sendable>(
    on eventLoop: any EventLoop, _ change: (inout State, WallTime) throws -> Answer
  ) -> EventLoopFuture<Answer> {
    let promise = eventLoop.makePromise(of: Answer.self)
    let now = clock.now
    let result = state.withLock { state in Result { try change(&state, now) } }
    eventLoop.execute { promise.completeWith(result) }
    return promise.futureResult
  }
}
