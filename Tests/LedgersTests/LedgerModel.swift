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
  var used: [Quota: Int64] = [:]
  /// What is charged for what is done, by route.
  var doneBytes: [String: Int64] = [:]

  func reserved(_ quota: Quota) -> Int64 {
    open.values.reduce(0) { $0 + $1.bytes(in: quota, below: .max) }
  }

  mutating func perform(_ step: LedgerStep) -> LedgerStep.Answer {
    switch step {
    case .open(let reservation): begin(reservation)
    case .claim(let claim): take(claim)
    case .advance(let key, let epoch, let from, let to, let expiresAt):
      change(key, epoch: epoch) { upload in
        guard upload.record.committed == from, from <= to, to <= upload.record.granted else { return .failure(.fenced) }
        upload.record.committed = to
        upload.record.expiresAt = expiresAt
        return .done
      }
    case .settle(let key, let epoch, let size, let charged, let digest, let at):
      settle(key, epoch: epoch, size: size, charged: charged, digest: digest, at: at)
    case .fail(let key, let epoch, let expiresAt): fail(key, epoch: epoch, expiresAt: expiresAt)
    case .forget(let key): forget(key)
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

  private mutating func begin(_ wish: Reservation) -> LedgerStep.Answer {
    if open.values.count(where: { $0.record.route == wish.route }) >= wish.unfinishedLimit { return .failure(.crowded) }
    let ofClient = open.values.count { $0.record.route == wish.route && $0.record.subject == wish.subject }
    if ofClient >= wish.clientUnfinishedLimit { return .failure(.crowded) }
    let available = available(route: wish.route, caps: wish.quotas)
    let granted = min(available, wish.wanted)
    if granted < wish.wanted && (granted == 0 || !wish.takesPart) {
      let enough = wish.takesPart ? 1 : wish.wanted
      let short = wish.quotas.filter { self.available(route: wish.route, caps: [$0]) < enough }
      let doesEnd = short.allSatisfy { $0.window != 0 && $0.cap >= enough }
      return .failure(.quota(available: available, windows: doesEnd ? short : []))
    }
    if open[wish.key] != nil || done[wish.key] != nil || failed[wish.key] != nil { return .engineFailure }
    let record = UploadRecord(
      key: wish.key, route: wish.route, owner: wish.owner, total: wish.total, committed: 0, granted: granted,
      state: .open, epoch: 1, format: wish.format, label: wish.label, digest: wish.digest, createdAt: wish.at,
      expiresAt: wish.expiresAt, finishedAt: nil, subject: wish.subject)
    open[wish.key] = Upload(record: record, extents: [(0..<granted, wish.quotas)])
    return .holding(
      Lease(
        epoch: 1, committed: 0, granted: granted, digest: wish.digest, label: wish.label, createdAt: wish.at))
  }

  private mutating func take(_ claim: Claim) -> LedgerStep.Answer {
    guard var upload = open[claim.key] else { return .failure(.unknown) }
    let old = upload.record.granted
    let missing = max(0, min(claim.wanted, upload.record.total ?? .max) - old)
    let more = min(missing, available(route: upload.record.route, caps: claim.quotas))
    let short = claim.quotas.filter { available(route: upload.record.route, caps: [$0]) < 1 }
    let doesEnd = missing > 0 && more == 0 && short.allSatisfy { $0.window != 0 && $0.cap > 0 }
    upload.record.granted = old + more
    upload.extents.append((old..<old + more, claim.quotas))
    upload.record.epoch += 1
    upload.record.expiresAt = claim.expiresAt
    upload.record.digest = upload.record.digest ?? claim.digest
    open[claim.key] = upload
    return .holding(
      Lease(
        epoch: upload.record.epoch, committed: upload.record.committed, granted: old + more,
        digest: upload.record.digest, label: upload.record.label, createdAt: upload.record.createdAt,
        shortWindows: doesEnd ? short : []))
  }

  private mutating func settle(
    _ key: UploadKey, epoch: Int64, size: Int64, charged: Int64, digest: ContentDigest?, at: WallTime
  ) -> LedgerStep.Answer {
    let answer = change(key, epoch: epoch) { upload in
      let record = upload.record
      guard record.committed <= size, size <= record.granted, record.total ?? size == size else {
        return .failure(.fenced)
      }
      upload.record.state = .done
      upload.record.committed = size
      upload.record.granted = 0
      upload.record.digest = digest ?? record.digest
      upload.record.finishedAt = at
      return .done
    }
    guard answer == .done, let upload = open.removeValue(forKey: key) else { return answer }
    let charged = min(max(0, charged), size)
    lastDone = key
    doneBytes[upload.record.route, default: 0] += charged
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

  private mutating func forget(_ key: UploadKey) -> LedgerStep.Answer {
    guard let upload = done.removeValue(forKey: key) else { return .failure(.unknown) }
    for (quota, bytes) in upload.used {
      used[quota, default: 0] -= bytes
      if quota.subject.isEmpty { doneBytes[quota.route, default: 0] -= bytes }
    }
    return .done
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
        LedgerModel.Quota(route: record.route, subject: $0.subject, window: $0.window)
      })
  }

  func bytes(in quota: LedgerModel.Quota, below end: Int64) -> Int64 {
    guard record.route == quota.route else { return 0 }
    return extents.reduce(0) { sum, extent in
      let counts = extent.caps.contains { $0.subject == quota.subject && $0.window == quota.window }
      return counts ? sum + Int64(extent.bytes.clamped(to: 0..<end).count) : sum
    }
  }
}
