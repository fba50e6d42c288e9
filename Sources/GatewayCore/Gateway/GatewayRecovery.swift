package import NIOCore
import Synchronization

/// What start-up recovery did.
package struct RecoveryReport: Hashable, Sendable {
  /// Uploads that wait for their client to go on.
  package var waiting = 0
  /// Uploads that had been complete, and are recorded so now.
  package var completed: [UploadKey] = []
  /// Uploads that cannot go on as they are. Their records and what there is of their bytes are kept until they expire.
  package var damaged: [DamagedUpload] = []
  /// Uploads whose backend's stream ended with the gateway.
  package var broken: [UploadKey] = []
  /// Uploads of routes that are configured no more; they are dropped when they expire.
  package var orphaned: [UploadKey] = []
  /// What was removed from each route's place.
  package var removed: [String: [RemovedFile]] = [:]
}

/// An upload of which bytes that were called safe are not there.
package struct DamagedUpload: Hashable, Sendable {
  /// Which.
  package var key: UploadKey
  /// The route's path.
  package var route: String
  /// Bytes from the stream's start that were called safe.
  package var safe: Int64
  /// What was found in their place.
  package var reason: String
}

extension Gateway {
  /// Brings stores and ledger together after a crash. Once, at start, before any upload. Looks only at uploads that this
  /// gateway has a lease on, or nobody, and that are not locked: another process may have them still.
  ///
  /// No upload is dropped: one whose bytes are gone stays for the operator to see, and for its disk to come back.
  /// - Throws: ``LedgerError`` or ``SinkFailure`` where ledger or store cannot be used.
  package func recover(on eventLoop: any EventLoop) async throws -> RecoveryReport {
    try await recover(Array(gatekeeper.routes.values), on: eventLoop)
  }

  /// The same for routes that are published afterwards: of theirs no connection has an upload yet.
  package func recover(
    new destinations: [(route: Route, forwarder: any Forwarder)], on eventLoop: any EventLoop
  ) async throws -> RecoveryReport {
    try await recover(destinations.map { RouteRuntime(route: $0.route, forwarder: $0.forwarder) }, on: eventLoop)
  }

  private func recover(_ runtimes: [RouteRuntime], on eventLoop: any EventLoop) async throws -> RecoveryReport {
    var report = RecoveryReport()
    let unclaimed = try await ledger.unfinished(of: settings.holder, on: eventLoop).get()
    let records = try await claim(unclaimed, of: Set(runtimes.map(\.route.path)), on: eventLoop)
    let locked = locks.lockedKeys
    let byRoute = Dictionary(grouping: records, by: \.facts.route)
    for runtime in runtimes {
      let path = runtime.route.path
      let unfinished = (byRoute[path] ?? []).filter { $0.state == .open && !locked.contains($0.key) }
      let others = Set(
        records.lazy.filter { ($0.facts.route != path || locked.contains($0.key)) && $0.state == .open }.map(\.key))
      let found = try await runtime.forwarder.recover(unfinished, besides: others)
      if !found.removed.isEmpty { report.removed[path] = found.removed }
      for record in unfinished {
        do {
          try await conclude(record, found.uploads[record.key], runtime, &report, on: eventLoop)
          if lease != nil { try await giveBack(record, on: eventLoop) }
          if record.facts.role.isFinal, report.completed.last != record.key {
            finals.withLock { $0.add(record.key, of: record.facts.role.parts) }
          }
        } catch LedgerError.fenced, LedgerError.unknown {
          // Another gateway has taken it over since it was listed.
          continue
        }
      }
    }
    let known = Set(runtimes.map(\.route.path)).union(gatekeeper.paths)
    report.orphaned = records.filter { !known.contains($0.facts.route) }.map(\.key)
    return report
  }

  /// Where there are other gateways, each looks at what it has claimed, and nobody else does meanwhile.
  private func claim(
    _ records: [UploadRecord], of routes: Set<String>, on eventLoop: any EventLoop
  ) async throws -> [UploadRecord] {
    guard lease != nil else { return records }
    var claimed: [UploadRecord] = []
    for var record in records {
      if record.state == .open, routes.contains(record.facts.route) {
        let request = LeaseRequest(
          key: record.key, holder: settings.holder, quotas: [], wanted: 0, expiresAt: record.expiresAt)
        do {
          let lease = try await ledger.takeOver(request, on: eventLoop).get()
          (record.epoch, record.committed) = (lease.epoch, lease.committed)
        } catch LedgerError.held, LedgerError.unknown {
          continue
        }
      }
      claimed.append(record)
    }
    return claimed
  }

  /// Whoever its client comes to may have it. One that is complete or failed by now is nobody's already.
  private func giveBack(_ record: UploadRecord, on eventLoop: any EventLoop) async throws {
    let advance = Advance(
      key: record.key, epoch: record.epoch, from: record.committed, to: record.committed, expiresAt: record.expiresAt,
      endsLease: true)
    do {
      try await ledger.advance(advance, on: eventLoop).get()
    } catch LedgerError.unknown {}
  }

  /// Tells the ledger what its forwarder found of one upload.
  private func conclude(
    _ record: UploadRecord, _ found: RecoveredUpload?, _ runtime: RouteRuntime, _ report: inout RecoveryReport,
    on eventLoop: any EventLoop
  ) async throws {
    switch found {
    case nil: report.waiting += 1
    case .complete(let size, let stored) where record.facts.total == nil || record.facts.total == size:
      let completion = Completion(
        key: record.key, epoch: record.epoch, size: size, charged: runtime.charge(size: size, stored: stored),
        digest: record.facts.digest, at: settings.now(), events: events(of: .completed, record.completed(size: size)))
      try await ledger.complete(completion, on: eventLoop).get()
      report.completed.append(record.key)
    case .broken:
      try await ledger.fail(
        record.key, epoch: record.epoch, expiresAt: record.expiresAt, events: events(of: .failed, record), on: eventLoop
      ).get()
      report.broken.append(record.key)
    case .complete(let size, _):
      let announced = record.facts.total ?? 0
      report.damaged.append(
        DamagedUpload(record, "\(size) bytes are in its place, and \(announced) were announced"))
    case .damaged(let reason): report.damaged.append(DamagedUpload(record, reason))
    }
  }
}

extension DamagedUpload {
  init(_ record: UploadRecord, _ reason: String) {
    self.init(key: record.key, route: record.facts.route, safe: record.committed, reason: reason)
  }
}
