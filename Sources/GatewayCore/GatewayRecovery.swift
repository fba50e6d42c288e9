public import NIOCore

/// What start-up recovery did.
public struct RecoveryReport: Hashable, Sendable {
  /// Uploads that wait for their client to go on.
  public var waiting = 0
  /// Uploads that had been complete, and are recorded so now.
  public var completed: [UploadKey] = []
  /// Uploads that cannot go on as they are. Their records and what there is of their bytes are kept until they expire.
  public var damaged: [DamagedUpload] = []
  /// Uploads whose backend's stream ended with the gateway.
  public var broken: [UploadKey] = []
  /// Uploads of routes that are configured no more; they are dropped when they expire.
  public var orphaned: [UploadKey] = []
  /// What was removed from each route's place.
  public var removed: [String: [RemovedFile]] = [:]
}

/// An upload of which bytes that were called safe are not there.
public struct DamagedUpload: Hashable, Sendable {
  /// Which.
  public var key: UploadKey
  /// The route's path.
  public var route: String
  /// Bytes from the stream's start that were called safe.
  public var safe: Int64
  /// What was found in their place.
  public var reason: String
}

extension Gateway {
  /// Brings stores and ledger together after a crash. Once, at start, before any upload; blocks on the stores.
  ///
  /// No upload is dropped: one whose bytes are gone stays for the operator to see, and for its disk to come back.
  /// - Throws: ``LedgerError`` or ``SinkFailure`` where ledger or store cannot be used.
  public func recover(on eventLoop: any EventLoop) async throws -> RecoveryReport {
    var report = RecoveryReport()
    let records = try await ledger.unfinished(on: eventLoop).get()
    let byRoute = Dictionary(grouping: records, by: \.route)
    for (route, forwarder) in forwarders {
      let unfinished = (byRoute[route] ?? []).filter { $0.state == .open }
      let others = Set(records.lazy.filter { $0.route != route && $0.state == .open }.map(\.key))
      let found = try forwarder.recover(unfinished, besides: others)
      if !found.removed.isEmpty { report.removed[route] = found.removed }
      for record in unfinished {
        switch found.uploads[record.key] {
        case nil: report.waiting += 1
        case .complete(let size, let stored) where record.total == nil || record.total == size:
          let settlement = Settlement(
            key: record.key, epoch: record.epoch, size: size,
            charged: gatekeeper.route(route)?.charge(size: size, stored: stored) ?? size, digest: record.digest,
            at: settings.now())
          try await ledger.settle(settlement, on: eventLoop).get()
          report.completed.append(record.key)
        case .broken:
          try await ledger.fail(
            record.key, epoch: record.epoch, expiresAt: record.expiresAt, on: eventLoop
          ).get()
          report.broken.append(record.key)
        case .complete(let size, _):
          report.damaged.append(
            DamagedUpload(record, "\(size) bytes are in its place, and \(record.total ?? 0) were announced"))
        case .damaged(let reason): report.damaged.append(DamagedUpload(record, reason))
        }
      }
    }
    report.orphaned = records.filter { forwarders[$0.route] == nil }.map(\.key)
    return report
  }

  /// Drops the unfinished uploads whose resume window has passed and that no connection is attached to. The window of
  /// those that have one begins anew, for a gateway that dies: their clients may have sent nothing for long, and come back.
  ///
  /// - Returns: those that were dropped.
  public func dropExpired(on eventLoop: any EventLoop) async throws -> [UploadKey] {
    let now = settings.now()
    var dropped: [UploadKey] = []
    var failure: (any Error)?
    // Before the ledger is read: one that is attached now may let go, its window begun anew, before its record is looked
    // at here. One that is attached from now on raises the epoch, and the release is fenced.
    let attached = attachments.attachedKeys
    let records = try await ledger.unfinished(on: eventLoop).get()
    await renew(records.filter { attached[$0.key].map { $0 > 0 } ?? false }, attached, now: now, on: eventLoop)
    for record in records where record.expiresAt <= now {
      guard attached[record.key] == nil else { continue }
      do {
        try await drop(record, on: eventLoop).get()
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

  /// A window is renewed when an eighth of it has passed: those of uploads that move are by their checkpoints.
  private func renew(
    _ records: [UploadRecord], _ attached: [UploadKey: Int64], now: WallTime, on eventLoop: any EventLoop
  ) async {
    let renewals = records.compactMap { record -> EventLoopFuture<Void>? in
      guard record.state == .open, let keptFor = attached[record.key],
        record.expiresAt <= now.advanced(byMilliseconds: keptFor - keptFor / 8)
      else { return nil }
      // Fenced where its own connection has recorded something meanwhile, which has moved the expiry too.
      return ledger.advance(
        record.key, epoch: record.epoch, from: record.committed, to: record.committed,
        expiresAt: now.advanced(byMilliseconds: keptFor), on: eventLoop)
    }
    // In one commit, as they are asked for at once. What fails is tried again at the next time.
    _ = try? await EventLoopFuture.whenAllComplete(renewals, on: eventLoop).get()
  }

  /// Forgets what no decision depends on any more: the quotas of past windows, and the bandwidth of clients that are
  /// gone. To be called now and then.
  public func tidy(on eventLoop: any EventLoop) async throws {
    bandwidth.forgetFull(at: eventLoop.now)
    let start = settings.now().milliseconds.subtractingReportingOverflow(longestWindow).partialValue
    try await ledger.dropWindows(before: WallTime(milliseconds: start), on: eventLoop).get()
  }

  /// How many uploads a connection is attached to, by route.
  public var attachedByRoute: [String: Int] { attachments.attachedByRoute }
}

extension DamagedUpload {
  init(_ record: UploadRecord, _ reason: String) {
    self.init(key: record.key, route: record.route, safe: record.committed, reason: reason)
  }
}
