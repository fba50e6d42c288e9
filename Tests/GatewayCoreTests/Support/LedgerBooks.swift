import GatewayCore

/// Uploads and quotas in memory, by the rules that ``Ledger`` states, for one moment: no clock, no answers, no leases.
struct LedgerBooks {
  private(set) var uploads: [UploadKey: UploadRecord] = [:]
  /// Bytes of complete uploads, by route.
  private(set) var used: [String: Int64] = [:]
  /// What a gateway must never ask for.
  private(set) var violations: [String] = []
  /// What was recorded for those who want to hear of it.
  private(set) var events: [Event] = []

  /// What is due, by the order in which it was recorded.
  func due(_ claim: EventClaim) -> EventBatch {
    var seen: Set<UploadKey> = []
    let heads = events.filter { $0.target == claim.target && seen.insert($0.key).inserted }
    return EventBatch(events: Array(heads.filter { !claim.besides.contains($0.id) }.prefix(claim.limit)))
  }

  mutating func delivered(_ id: String, to target: String) {
    events.removeAll { $0.id == id && $0.target == target }
  }

  mutating func insert(_ record: UploadRecord) {
    uploads[record.key] = record
  }

  func reserved(_ route: String) -> Int64 {
    uploads.values.filter { $0.facts.route == route }.reduce(0) { $0 + $1.granted }
  }

  private func available(_ route: String, _ quotas: [QuotaCap]) -> Int64 {
    max(0, (quotas.map(\.cap).min() ?? .max) - used[route, default: 0] - reserved(route))
  }

  mutating func open(_ reservation: Reservation) throws(LedgerError) -> Lease {
    let facts = reservation.facts
    let open = uploads.values.count { $0.state == .open && $0.facts.route == facts.route }
    guard open < reservation.unfinishedLimit else { throw .crowded }
    let available = available(facts.route, reservation.quotas)
    let granted = min(reservation.wanted, available)
    guard granted == reservation.wanted || (granted > 0 && reservation.takesPart) else {
      throw .quota(available: available)
    }
    uploads[facts.key] = UploadRecord(
      facts: facts, committed: 0, granted: granted, state: .open, epoch: 1, expiresAt: reservation.expiresAt,
      storeState: reservation.storeState)
    events += reservation.events
    return Lease(facts: facts, epoch: 1, committed: 0, granted: granted, storeState: reservation.storeState)
  }

  mutating func takeOver(_ request: LeaseRequest) throws(LedgerError) -> Lease {
    guard var record = uploads[request.key], record.state == .open else { throw .unknown }
    record.facts.total = record.facts.total ?? request.lateTotal
    record.facts.digest = record.facts.digest ?? request.digest
    guard record.committed <= record.facts.total ?? .max else { throw .fenced }
    record.granted = min(record.granted, record.facts.total ?? .max)
    let missing = min(request.wanted, record.facts.total ?? .max) - record.granted
    uploads[request.key] = record
    record.granted += min(max(missing, 0), available(record.facts.route, request.quotas))
    record.epoch += 1
    record.expiresAt = request.expiresAt
    uploads[request.key] = record
    return Lease(
      facts: record.facts, epoch: record.epoch, committed: record.committed, granted: record.granted,
      storeState: record.storeState)
  }

  mutating func extend(_ extension: GrantExtension) throws(LedgerError) -> Int64 {
    var record = try own(`extension`.key, `extension`.epoch)
    let missing = min(`extension`.end, record.facts.total ?? .max) - record.granted
    guard missing > 0 else { return record.granted }
    let available = available(record.facts.route, `extension`.quotas)
    guard available > 0 else { throw .quota(available: 0) }
    record.granted += min(missing, available)
    uploads[record.key] = record
    return record.granted
  }

  mutating func advance(_ advance: Advance) throws(LedgerError) {
    var record = try own(advance.key, advance.epoch)
    guard record.committed == advance.from, advance.from <= advance.to, advance.to <= record.granted else {
      throw .fenced
    }
    record.committed = advance.to
    record.expiresAt = advance.expiresAt
    record.storeState = advance.storeState ?? record.storeState
    uploads[advance.key] = record
  }

  /// - Returns: whether it was not fenced.
  mutating func renew(_ renewal: LeaseRenewal) -> Bool {
    guard (try? own(renewal.key, renewal.epoch)) != nil else { return false }
    uploads[renewal.key]?.expiresAt = renewal.expiresAt
    return true
  }

  mutating func complete(_ completion: Completion) throws(LedgerError) {
    let size = completion.size
    if let done = uploads[completion.key], done.state == .done, done.epoch == completion.epoch, done.committed == size {
      return
    }
    var record = try own(completion.key, completion.epoch)
    if let total = record.facts.total, total != size { violations.append("completed with \(size) of \(total)") }
    if size > record.granted { violations.append("completed with more than was granted") }
    used[record.facts.route, default: 0] += completion.charged
    record.state = .done
    record.committed = size
    record.granted = 0
    record.facts.digest = completion.digest
    record.finishedAt = completion.at
    uploads[completion.key] = record
    events += completion.events
  }

  mutating func fail(
    _ key: UploadKey, epoch: Int64, expiresAt: WallTime, events told: [Event] = []
  ) throws(LedgerError) {
    var record = try own(key, epoch)
    events += told
    record.state = .failed
    record.granted = 0
    record.expiresAt = expiresAt
    uploads[key] = record
  }

  mutating func forget(_ key: UploadKey) throws(LedgerError) {
    try retract(key, expiresAt: WallTime(milliseconds: 0))
    uploads[key] = nil
  }

  mutating func retract(_ key: UploadKey, expiresAt: WallTime, events told: [Event] = []) throws(LedgerError) {
    guard let record = uploads[key], record.state == .done else { throw .unknown }
    events += told
    if record.file == .there { used[record.facts.route, default: 0] -= record.committed }
    uploads[key]?.state = .failed
    uploads[key]?.expiresAt = expiresAt
  }

  func complete(_ wanted: CompleteUploads) -> [UploadRecord] {
    let found = uploads.values.filter { record in
      guard record.state == .done, record.facts.route == wanted.route, record.file == wanted.file,
        let finishedAt = record.finishedAt, finishedAt < wanted.before
      else { return false }
      guard let after = wanted.after else { return true }
      return (finishedAt.milliseconds, record.key.text) > (after.finishedAt.milliseconds, after.key.text)
    }
    return Array(
      found.sorted {
        ($0.finishedAt?.milliseconds ?? 0, $0.key.text) < ($1.finishedAt?.milliseconds ?? 0, $1.key.text)
      }.prefix(wanted.limit))
  }

  mutating func depart(_ keys: [UploadKey], _ file: UploadRecord.FileState) -> [UploadKey] {
    keys.filter { key in
      guard let record = uploads[key], record.state == .done, record.file != file, record.file != .gone else {
        return false
      }
      if record.file == .there { used[record.facts.route, default: 0] -= record.committed }
      uploads[key]?.file = file
      return true
    }
  }

  mutating func prune(_ old: CompleteUploads) -> Int {
    let keys = complete(old).map(\.key)
    for key in keys { uploads[key] = nil }
    return keys.count
  }

  mutating func release(_ key: UploadKey, epoch: Int64, events told: [Event] = []) throws(LedgerError) {
    guard let record = uploads[key] else { return }
    guard record.state != .done else { throw .unknown }
    guard record.epoch == epoch else { throw .fenced }
    if record.state == .open { events += told }
    uploads[key] = nil
  }

  var unfinished: [UploadRecord] { uploads.values.filter { $0.state != .done } }

  private func own(_ key: UploadKey, _ epoch: Int64) throws(LedgerError) -> UploadRecord {
    guard let record = uploads[key], record.state == .open else { throw .unknown }
    guard record.epoch == epoch else { throw .fenced }
    return record
  }
}
