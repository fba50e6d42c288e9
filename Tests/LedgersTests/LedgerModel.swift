import GatewayCore

/// What a ledger is, by dictionaries alone. What is reserved is not kept: every sum is made anew.
struct LedgerModel {
  struct Quota: Hashable {
    var route: String
    var subject: String
    var window: Int64
  }

  /// A complete upload, and where its bytes count for ever.
  struct Done {
    var record: UploadRecord
    var used: [Quota: Int64]
  }

  struct Upload {
    var record: UploadRecord
    /// Which bytes were reserved in which quotas.
    var extents: [(bytes: Range<Int64>, caps: [QuotaCap])]
  }

  var open: [UploadKey: Upload] = [:]
  var failed: [UploadKey: UploadRecord] = [:]
  var done: [UploadKey: Done] = [:]
  var lastDone: UploadKey?
  /// How many have failed ever.
  var failures = 0
  /// How many takeovers named a late total.
  var lateTotals = 0
  /// How many files have left.
  var departures = 0
  /// How many grants were extended.
  var extensions = 0
  /// How many completions were told a second time.
  var repetitions = 0
  var used: [Quota: Int64] = [:]
  /// What is charged for what is done, by route.
  var doneBytes: [String: Int64] = [:]

  /// What every ledger lists as unfinished.
  var unfinished: [UploadKey: UploadRecord] {
    open.mapValues(\.record).merging(failed) { first, _ in first }
  }

  func reserved(_ quota: Quota) -> Int64 {
    open.values.reduce(0) { $0 + $1.bytes(in: quota, below: .max) }
  }

  mutating func perform(_ step: LedgerStep) -> LedgerStep.Answer {
    switch step {
    case .open(let reservation): begin(reservation)
    case .takeOver(let request): takeOver(request)
    case .extend(let asked): extend(asked)
    case .advance(let advance):
      change(advance.key, epoch: advance.epoch) { upload in
        guard upload.record.committed == advance.from, advance.from <= advance.to, advance.to <= upload.record.granted
        else { return .failure(.fenced) }
        upload.record.committed = advance.to
        upload.record.expiresAt = advance.expiresAt
        upload.record.storeState = advance.storeState ?? upload.record.storeState
        return .done
      }
    case .renew(let renewals): renew(renewals)
    case .complete(let completion): complete(completion)
    case .fail(let key, let epoch, let expiresAt): fail(key, epoch: epoch, expiresAt: expiresAt)
    case .depart(let keys, let file): depart(keys, file)
    case .prune(let old): prune(old)
    case .forget(let key): giveBack(key) == nil ? .failure(.unknown) : .done
    case .retract(let key, let expiresAt): retract(key, expiresAt: expiresAt)
    case .dropWindows(let start): drop(before: start)
    case .release(let key, let epoch): release(key, epoch: epoch)
    }
  }

  private func available(route: String, caps: [QuotaCap]) -> Int64 {
    caps.reduce(Int64.max) { least, cap in
      let quota = Quota(route: route, subject: cap.subject, window: cap.window)
      return min(least, max(0, cap.cap - reserved(quota) - used[quota, default: 0]))
    }
  }

  private mutating func begin(_ reservation: Reservation) -> LedgerStep.Answer {
    let facts = reservation.facts
    let ofRoute = open.values.map(\.record.facts).filter { $0.route == facts.route }
    if ofRoute.count >= reservation.unfinishedLimit { return .failure(.crowded) }
    let ofClient = ofRoute.count { $0.subject == facts.subject }
    if ofClient >= reservation.clientUnfinishedLimit { return .failure(.crowded) }
    let available = available(route: facts.route, caps: reservation.quotas)
    let granted = min(available, reservation.wanted)
    if granted < reservation.wanted && (granted == 0 || !reservation.takesPart) {
      let enough = reservation.takesPart ? 1 : reservation.wanted
      let short = reservation.quotas.filter { self.available(route: facts.route, caps: [$0]) < enough }
      let doesEnd = short.allSatisfy { $0.window != 0 && $0.cap >= enough }
      return .failure(.quota(available: available, windows: doesEnd ? short : []))
    }
    if open[facts.key] != nil || done[facts.key] != nil || failed[facts.key] != nil { return .engineFailure }
    let record = UploadRecord(
      facts: facts, committed: 0, granted: granted, state: .open, epoch: 1, expiresAt: reservation.expiresAt,
      storeState: reservation.storeState)
    open[facts.key] = Upload(record: record, extents: [(0..<granted, reservation.quotas)])
    return .leased(
      Lease(facts: facts, epoch: 1, committed: 0, granted: granted, storeState: reservation.storeState))
  }

  private mutating func takeOver(_ request: LeaseRequest) -> LedgerStep.Answer {
    guard var upload = open[request.key] else { return .failure(.unknown) }
    var facts = upload.record.facts
    facts.total = facts.total ?? request.lateTotal
    facts.digest = facts.digest ?? request.digest
    guard upload.record.committed <= facts.total ?? .max else { return .failure(.fenced) }
    let kept = min(upload.record.granted, facts.total ?? .max)
    upload.extents = upload.extents.map { ($0.bytes.clamped(to: 0..<kept), $0.caps) }
    let missing = max(0, min(request.wanted, facts.total ?? .max) - kept)
    let more = min(missing, available(route: facts.route, caps: request.quotas))
    let short = request.quotas.filter { available(route: facts.route, caps: [$0]) < 1 }
    let doesEnd = missing > 0 && more == 0 && short.allSatisfy { $0.window != 0 && $0.cap > 0 }
    upload.record.facts = facts
    upload.record.granted = kept + more
    upload.extents.append((kept..<kept + more, request.quotas))
    upload.record.epoch += 1
    upload.record.expiresAt = request.expiresAt
    open[request.key] = upload
    if request.lateTotal != nil { lateTotals += 1 }
    return .leased(
      Lease(
        facts: facts, epoch: upload.record.epoch, committed: upload.record.committed, granted: kept + more,
        shortWindows: doesEnd ? short : [], storeState: upload.record.storeState))
  }

  private mutating func extend(_ asked: GrantExtension) -> LedgerStep.Answer {
    guard var upload = open[asked.key] else { return .failure(.unknown) }
    guard upload.record.epoch == asked.epoch else { return .failure(.fenced) }
    let (facts, granted) = (upload.record.facts, upload.record.granted)
    let missing = min(asked.end, facts.total ?? .max) - granted
    if missing <= 0 { return .granted(granted) }
    let more = min(missing, available(route: facts.route, caps: asked.quotas))
    if more == 0 {
      let short = asked.quotas.filter { available(route: facts.route, caps: [$0]) < 1 }
      let doesEnd = short.allSatisfy { $0.window != 0 && $0.cap > 0 }
      return .failure(.quota(available: 0, windows: doesEnd ? short : []))
    }
    upload.record.granted += more
    upload.extents.append((granted..<granted + more, asked.quotas))
    open[asked.key] = upload
    extensions += 1
    return .granted(granted + more)
  }

  private mutating func renew(_ renewals: [LeaseRenewal]) -> LedgerStep.Answer {
    for renewal in renewals where open[renewal.key]?.record.epoch == renewal.epoch {
      open[renewal.key]?.record.expiresAt = renewal.expiresAt
    }
    return .done
  }

  private mutating func complete(_ completion: Completion) -> LedgerStep.Answer {
    let (key, size) = (completion.key, completion.size)
    if let record = done[key]?.record, record.epoch == completion.epoch, record.committed == size {
      repetitions += 1
      return .done
    }
    let answer = change(key, epoch: completion.epoch) { upload in
      let record = upload.record
      guard record.committed <= size, size <= record.granted, record.facts.total ?? size == size else {
        return .failure(.fenced)
      }
      upload.record.state = .done
      upload.record.committed = size
      upload.record.granted = 0
      upload.record.facts.digest = completion.digest ?? record.facts.digest
      upload.record.finishedAt = completion.at
      return .done
    }
    guard answer == .done, let upload = open.removeValue(forKey: key) else { return answer }
    let charged = min(max(0, completion.charged), size)
    lastDone = key
    doneBytes[upload.record.facts.route, default: 0] += charged
    var kept: [Quota: Int64] = [:]
    for quota in upload.quotas {
      let bytes = upload.bytes(in: quota, below: quota.window == 0 ? charged : size)
      used[quota, default: 0] += bytes
      if quota.window == 0 { kept[quota] = bytes }
    }
    done[key] = Done(record: upload.record, used: kept)
    return answer
  }

  private mutating func fail(_ key: UploadKey, epoch: Int64, expiresAt: WallTime) -> LedgerStep.Answer {
    if let record = failed[key] { return record.epoch == epoch ? .done : .failure(.fenced) }
    let answer = change(key, epoch: epoch) { upload in
      upload.record.state = .failed
      upload.record.granted = 0
      upload.record.expiresAt = expiresAt
      return .done
    }
    guard answer == .done else { return answer }
    failed[key] = open.removeValue(forKey: key)?.record
    failures += 1
    return answer
  }

  private mutating func retract(_ key: UploadKey, expiresAt: WallTime) -> LedgerStep.Answer {
    guard var record = giveBack(key) else { return .failure(.unknown) }
    record.state = .failed
    record.expiresAt = expiresAt
    failed[key] = record
    return .done
  }

  private mutating func depart(_ keys: [UploadKey], _ file: UploadRecord.FileState) -> LedgerStep.Answer {
    var departed: [UploadKey] = []
    for key in keys {
      guard let upload = done[key], upload.record.file != file, upload.record.file != .gone else { continue }
      takeBack(upload)
      done[key]?.used = [:]
      done[key]?.record.file = file
      departed.append(key)
    }
    departures += departed.count
    return .departed(departed)
  }

  private mutating func prune(_ old: CompleteUploads) -> LedgerStep.Answer {
    let keys = done.values.map(\.record).filter {
      $0.facts.route == old.route && $0.file == old.file && ($0.finishedAt ?? old.before) < old.before
    }.map(\.key)
    for key in keys {
      done[key] = nil
      if lastDone == key { lastDone = nil }
    }
    return .pruned(keys.count)
  }

  private mutating func takeBack(_ upload: Done) {
    for (quota, bytes) in upload.used {
      used[quota, default: 0] -= bytes
      if quota.subject.isEmpty { doneBytes[quota.route, default: 0] -= bytes }
    }
  }

  private mutating func giveBack(_ key: UploadKey) -> UploadRecord? {
    guard let upload = done.removeValue(forKey: key) else { return nil }
    takeBack(upload)
    return upload.record
  }

  private mutating func drop(before start: WallTime) -> LedgerStep.Answer {
    for quota in used.keys where quota.window != 0 && quota.window < start.milliseconds && reserved(quota) == 0 {
      used[quota] = nil
    }
    return .done
  }

  private mutating func release(_ key: UploadKey, epoch: Int64) -> LedgerStep.Answer {
    if let record = failed[key] {
      guard record.epoch == epoch else { return .failure(.fenced) }
      failed[key] = nil
      return .done
    }
    // What is not there, or no more, is no failure: the first answer may have been lost.
    if open[key] == nil, done[key] == nil { return .done }
    let answer = change(key, epoch: epoch) { _ in .done }
    if answer == .done { open[key] = nil }
    return answer
  }

  private mutating func change(
    _ key: UploadKey, epoch: Int64, _ change: (inout Upload) -> LedgerStep.Answer
  ) -> LedgerStep.Answer {
    guard var upload = open[key] else { return .failure(.unknown) }
    guard upload.record.epoch == epoch else { return .failure(.fenced) }
    let answer = change(&upload)
    open[key] = upload
    return answer
  }
}

extension LedgerModel.Upload {
  var quotas: Set<LedgerModel.Quota> {
    Set(
      extents.flatMap(\.caps).map {
        LedgerModel.Quota(route: record.facts.route, subject: $0.subject, window: $0.window)
      })
  }

  func bytes(in quota: LedgerModel.Quota, below end: Int64) -> Int64 {
    guard record.facts.route == quota.route else { return 0 }
    return extents.reduce(0) { sum, extent in
      let counts = extent.caps.contains { $0.subject == quota.subject && $0.window == quota.window }
      return counts ? sum + Int64(extent.bytes.clamped(to: 0..<end).count) : sum
    }
  }
}
