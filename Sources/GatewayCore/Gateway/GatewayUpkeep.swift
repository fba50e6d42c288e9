package import NIOCore
import Synchronization

// What is to be done now and then.
extension Gateway {
  /// Drops the unfinished uploads whose resume window has passed and that no connection has. The window of those that a
  /// connection has begins anew, for a gateway that dies: their clients may have sent nothing for long, and come back.
  ///
  /// - Returns: those that were dropped.
  package func dropExpired(on eventLoop: any EventLoop) async throws -> [UploadKey] {
    let now = settings.now()
    var dropped: [UploadKey] = []
    var failure: (any Error)?
    // Before the ledger is read: a connection may unlock its upload, the window begun anew, before the record is looked at
    // here. One that locks it from now on raises the epoch, and the release is fenced.
    let locked = locks.lockedKeys
    await renewLeases(at: now, on: eventLoop)
    for record in try await ledger.expired(at: now, of: settings.holder, on: eventLoop).get() {
      guard !locked.contains(record.key) else { continue }
      if finals.withLock({ $0.has(record.key) }) {
        // It goes when one of its parts does.
        if let route = gatekeeper.routes[record.facts.route]?.route {
          let renewal = LeaseRenewal(key: record.key, epoch: record.epoch, expiresAt: expiry(on: route))
          _ = try? await ledger.renew([renewal], on: eventLoop).get()
        }
        continue
      }
      do {
        try await drop(record, .expired, on: eventLoop).get()
        dropped.append(record.key)
      } catch LedgerError.fenced, LedgerError.unknown {
        // Its client came back just now.
        continue
      } catch {
        // The others' reservations must not wait for this one.
        failure = failure ?? error
      }
    }
    if let failure, dropped.isEmpty { throw failure }
    return dropped
  }

  /// What fails is tried again at the next time.
  private func renewLeases(at now: WallTime, on eventLoop: any EventLoop) async {
    let renewals = locks.leasesToRenew(at: now)
    guard !renewals.isEmpty, (try? await ledger.renew(renewals, on: eventLoop).get()) != nil else { return }
    locks.noteRenewed(renewals)
  }

  /// Forgets what no decision depends on any more: the quotas of past windows, and the bandwidth and rates of clients that
  /// are gone.
  package func tidy(on eventLoop: any EventLoop) async throws {
    for runtime in runtimes.values {
      runtime.bandwidth.forgetFull(at: eventLoop.now)
      runtime.begun.forgetFull(at: Int64(clamping: eventLoop.now.uptimeNanoseconds))
    }
    let start = settings.now().milliseconds.subtractingReportingOverflow(longestWindow).partialValue
    try await ledger.dropWindows(before: WallTime(milliseconds: start), on: eventLoop).get()
  }

  /// Asks the ledger a question that changes nothing, by the way of all that changes something. Fails with ``LedgerError``.
  package func askLedger(on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    ledger.find(.mint(at: settings.now()), on: eventLoop).map { _ in }
  }

  /// Returns once no connection has an upload: all that arrived is safe.
  package func waitUntilNoUploads() async { await locks.waitUntilEmpty() }

  /// Each route that there ever was, with what is counted of it and how many uploads a connection has now, by path.
  package var meters: [(route: String, meters: RouteMeters, connected: Int)] {
    runtimes.values.map { (route: $0.route.path, meters: $0.meters, connected: $0.connected.count) }.sorted {
      $0.route < $1.route
    }
  }

  /// How many uploads a connection has, by route; routes without any are left out.
  package var connectedByRoute: [String: Int] {
    runtimes.mapValues(\.connected.count).filter { $0.value > 0 }
  }
}
