import Logging
package import NIOCore
import Synchronization

/// Keeps a gateway's lease on what it holds, lets go of what others wait for, and stops what is under way when the lease
/// runs out before it could be prolonged.
package final class LeaseKeeper: Sendable {
  /// Who holds the lease.
  package let holder: String
  private let leases: any SharedLeases
  private let machineTime: @Sendable () -> WallTime
  private let clock = Mutex(LeaseClock())
  /// ``LeaseClock/end``, in nanoseconds, where every chunk of every upload looks.
  private let end = Atomic<UInt64>(0)
  /// What the ledger's calendar is ahead of this machine's, in milliseconds.
  private let ahead = Atomic<Int64>(0)

  /// - Parameters:
  ///   - holder: a name that no other gateway, and no other run of this one, has.
  ///   - machineTime: this machine's calendar.
  package init(_ leases: any SharedLeases, holder: String, machineTime: @escaping @Sendable () -> WallTime) {
    self.leases = leases
    self.holder = holder
    self.machineTime = machineTime
  }

  /// Whether what this gateway holds is still its own.
  func isLive(at now: NIODeadline) -> Bool {
    now.uptimeNanoseconds < end.load(ordering: .acquiring)
  }

  /// The calendar that all gateways go by: the ledger's.
  ///
  /// - Parameter time: this machine's.
  package func calendar(_ time: WallTime) -> WallTime {
    time.advanced(byMilliseconds: ahead.load(ordering: .relaxed))
  }

  /// Begins the lease. Before anything is held.
  ///
  /// - Returns: fails with ``LedgerError``.
  package func begin(on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    let sent = eventLoop.now
    return leases.begin(of: holder, for: Self.milliseconds, on: eventLoop).map { self.note($0, sentAt: sent) }
  }

  /// Ends it: whoever waits for what is still held need not wait any longer. After all uploads have come to rest.
  package func leave(on eventLoop: any EventLoop) async {
    end.store(0, ordering: .releasing)
    try? await leases.end(of: holder, on: eventLoop).get()
  }

  /// Does what is due; each second.
  ///
  /// - Parameter gateway: whose lease it is.
  func tick(of gateway: Gateway, on eventLoop: any EventLoop) {
    let sent = eventLoop.now
    let tick = clock.withLock { $0.tick(at: sent) }
    if tick.hasRunOut { gateway.leaseRanOut("it could not be prolonged") }
    switch tick.step {
    case .wait: return
    case .look: look(of: gateway, on: eventLoop)
    case .prolong:
      leases.prolong(of: holder, for: Self.milliseconds, on: eventLoop).whenComplete { result in
        switch result {
        case .failure: self.clock.withLock { $0.failed() }
        case .success(let prolongation) where prolongation.isHeld:
          self.note(prolongation, sentAt: sent)
          self.look(of: gateway, on: eventLoop)
        case .success: self.beginAgain(gateway, on: eventLoop)
        }
      }
    }
  }

  /// The lease has run out by the ledger's clock: what was held under it may be others' by now.
  private func beginAgain(_ gateway: Gateway, on eventLoop: any EventLoop) {
    end.store(0, ordering: .releasing)
    if clock.withLock({ $0.ranOut() }) { gateway.leaseRanOut("the ledger had no word of this gateway for too long") }
    let sent = eventLoop.now
    leases.begin(of: holder, for: Self.milliseconds, on: eventLoop).whenComplete { result in
      switch result {
      case .failure: self.clock.withLock { $0.failed() }
      case .success(let prolongation): self.note(prolongation, sentAt: sent)
      }
    }
  }

  private func note(_ prolongation: LeaseProlongation, sentAt sent: NIODeadline) {
    let end = clock.withLock { clock in
      clock.prolonged(sentAt: sent)
      return clock.end
    }
    self.end.store(end?.uptimeNanoseconds ?? 0, ordering: .releasing)
    // Less than that may be the way to the ledger and back, and a calendar is not to tremble.
    let difference = prolongation.now.milliseconds - machineTime().milliseconds
    if abs(difference - ahead.load(ordering: .relaxed)) > 2000 { ahead.store(difference, ordering: .relaxed) }
  }

  private func look(of gateway: Gateway, on eventLoop: any EventLoop) {
    leases.wanted(of: holder, on: eventLoop).whenSuccess { wanted in
      for upload in wanted where gateway.letGo(of: upload) {
        _ = self.leases.letGo(of: upload, by: self.holder, on: eventLoop)
      }
    }
  }

  private static var milliseconds: Int64 { LeaseClock.timeToLive.nanoseconds / 1_000_000 }
}
