import NIOCore
import Synchronization

/// The locks of uploads within this process: one connection has an upload at a time. A newer one asks the holder to let go,
/// and waits until what arrived over the older one is safe.
final class UploadLocks: Sendable {
  /// What a connection asks for.
  struct Request: Sendable {
    let key: UploadKey
    /// Where the upload is counted.
    let connected: ConnectedUploads
    /// ``ClientIdentity/subject``.
    let subject: String
    /// The most uploads of the route that may be connected at once.
    var limit = Int.max
    /// The same for those of the client on the route.
    var clientLimit = Int.max
    /// How long the upload is kept when no connection has it, in milliseconds; 0 where this lock changes nothing of that.
    var keptFor: Int64 = 0
  }

  /// One connection's lock on an upload.
  struct Lock: Hashable, Sendable {
    let key: UploadKey
    fileprivate let number: UInt64
  }

  private struct Holder {
    let lock: Lock
    let request: Request
    /// Asks the holder to make safe what arrived, and to unlock; called once, from any thread.
    let letGo: @Sendable () -> Void

    var subject: String { request.subject }
  }

  private struct Slot {
    var holder: Holder
    var lease: LeaseRenewal?
    var waiter: (holder: Holder, ready: EventLoopPromise<Lock>)?
  }

  private struct State {
    var slots: [UploadKey: Slot] = [:]
    var lastNumber: UInt64 = 0
    var whenEmpty: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  /// Locks the upload; where another connection has it, asks that one to let go, and waits for it.
  ///
  /// - Parameter letGo: asks this holder in turn to make safe what arrived, and to unlock, because a newer connection wants
  ///   the upload. An upload that is already locked counts once.
  /// - Returns: fails with ``Refusal/busy`` above a limit, and with ``Refusal/superseded`` where a still newer connection
  ///   came while this one waited.
  func lock(
    _ request: Request, on eventLoop: any EventLoop, letGo: @escaping @Sendable () -> Void
  ) -> EventLoopFuture<Lock> {
    let ready = eventLoop.makePromise(of: Lock.self)
    enum Outcome {
      case locked(Lock)
      case busy
      case waits(holder: @Sendable () -> Void, displaced: EventLoopPromise<Lock>?)
    }
    let outcome = state.withLock { state -> Outcome in
      state.lastNumber += 1
      let holder = Holder(lock: Lock(key: request.key, number: state.lastNumber), request: request, letGo: letGo)
      let (connected, subject) = (request.connected, request.subject)
      let slot = state.slots[request.key]
      let isCounted = slot.map { $0.holder.subject == subject || $0.waiter?.holder.subject == subject } ?? false
      guard isCounted || connected.count(of: subject) < request.clientLimit else { return .busy }
      if let slot {
        // A waiter of the holder's own client is counted with it; another client's is counted from the start.
        if let displaced = slot.waiter?.holder.subject, displaced != slot.holder.subject {
          connected.change(displaced, by: -1)
        }
        if subject != slot.holder.subject { connected.change(subject, by: 1) }
        state.slots[request.key]?.waiter = (holder, ready)
        return .waits(holder: slot.holder.letGo, displaced: slot.waiter?.ready)
      }
      guard connected.add(subject, limit: request.limit) else { return .busy }
      state.slots[request.key] = Slot(holder: holder)
      return .locked(holder.lock)
    }
    switch outcome {
    case .locked(let lock): ready.succeed(lock)
    case .busy: ready.fail(Refusal.busy(retryAfter: 5))
    case .waits(let askHolder, let displaced):
      displaced?.fail(Refusal.superseded)
      if displaced == nil { askHolder() }
    }
    return ready.futureResult
  }

  /// Unlocks; whoever waits is next. Twice does nothing.
  func unlock(_ lock: Lock) {
    enum Next {
      case nobody
      case waiter(EventLoopPromise<Lock>, Lock)
      case empty([CheckedContinuation<Void, Never>])
    }
    let next = state.withLock { state -> Next in
      guard let slot = state.slots[lock.key], slot.holder.lock == lock else { return .nobody }
      let connected = slot.holder.request.connected
      if let waiter = slot.waiter {
        if waiter.holder.subject != slot.holder.subject { connected.change(slot.holder.subject, by: -1) }
        state.slots[lock.key] = Slot(holder: waiter.holder)
        return .waiter(waiter.ready, waiter.holder.lock)
      }
      state.slots[lock.key] = nil
      connected.remove(slot.holder.subject)
      guard state.slots.isEmpty else { return .nobody }
      defer { state.whenEmpty = [] }
      return .empty(state.whenEmpty)
    }
    switch next {
    case .nobody: return
    case .waiter(let ready, let lock): ready.succeed(lock)
    case .empty(let waiting): for continuation in waiting { continuation.resume() }
    }
  }

  /// Asks whoever has the upload to let go of it, though nobody waits for it.
  func askHolder(of key: UploadKey) {
    state.withLock { $0.slots[key].map { $0.waiter == nil ? $0.holder.letGo : {} } }?()
  }

  /// Returns once no connection has an upload.
  func waitUntilEmpty() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        if state.slots.isEmpty { return true }
        state.whenEmpty.append(continuation)
        return false
      }
      if isEmpty { continuation.resume() }
    }
  }

  // MARK: Leases of what is locked

  /// The holder of the lock has this lease now, or has renewed it.
  func note(_ lease: LeaseRenewal, of lock: Lock) {
    state.withLock { state in
      guard state.slots[lock.key]?.holder.lock == lock else { return }
      state.slots[lock.key]?.lease = lease
    }
  }

  /// The leases that are to be renewed now, with the expiry that they get. One is due when an eighth of its time has
  /// passed: those of uploads that move are renewed by their checkpoints.
  func leasesToRenew(at now: WallTime) -> [LeaseRenewal] {
    state.withLock { state in
      state.slots.values.compactMap { slot in
        let keptFor = slot.holder.request.keptFor
        guard keptFor > 0, var lease = slot.lease,
          lease.expiresAt <= now.advanced(byMilliseconds: keptFor - keptFor / 8)
        else { return nil }
        lease.expiresAt = now.advanced(byMilliseconds: keptFor)
        return lease
      }
    }
  }

  /// These leases were renewed.
  func noteRenewed(_ leases: [LeaseRenewal]) {
    state.withLock { state in
      for lease in leases where state.slots[lease.key]?.lease?.epoch == lease.epoch {
        state.slots[lease.key]?.lease = lease
      }
    }
  }

  /// The uploads that a connection has, or waits for.
  var lockedKeys: Set<UploadKey> {
    state.withLock { Set($0.slots.keys) }
  }
}
