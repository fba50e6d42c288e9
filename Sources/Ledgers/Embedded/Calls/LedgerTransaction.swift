import GatewayCore

/// The ledger's calls, on one thread and inside a transaction that somebody else begins and commits.
struct LedgerTransaction {
  private let uploads: UploadTable
  private let quotas: QuotaTable
  private let events: EventTable
  private let mark: Statement
  private let keepMark: Statement
  private let returnToMark: Statement
  private let rollback: Statement
  private(set) var openCounts: OpenUploadCounts
  /// Whether what makes the ledger grow may be done: else only what ends uploads, or leaves them as they are.
  var mayGrow = true

  init(_ database: Database) throws(LedgerError) {
    uploads = try UploadTable(database)
    quotas = try QuotaTable(database)
    events = try EventTable(database)
    mark = try Statement("SAVEPOINT call", in: database)
    keepMark = try Statement("RELEASE SAVEPOINT call", in: database)
    returnToMark = try Statement("ROLLBACK TO SAVEPOINT call", in: database)
    rollback = try Statement("ROLLBACK", in: database)
    openCounts = OpenUploadCounts(try uploads.unfinishedCounts())
  }

  mutating func committed() {
    openCounts.keep()
  }

  mutating func cameToNothing() {
    openCounts.takeBack()
  }

  mutating func open(_ reservation: Reservation) throws(LedgerError) -> Lease {
    let facts = reservation.facts
    guard reservation.wanted >= 0, facts.total ?? 0 >= 0 else {
      throw .engine("a reservation of \(reservation.wanted) bytes of \(facts.total ?? 0) makes no sense")
    }
    guard mayGrow else { throw Self.full }
    let client = OpenUploadCounts.Client(route: facts.route, subject: facts.subject)
    guard openCounts.count(of: facts.route) < reservation.unfinishedLimit,
      openCounts.count(of: client) < reservation.clientUnfinishedLimit
    else { throw .crowded }
    let wanted = min(reservation.wanted, facts.total ?? .max)
    let available = try quotas.available(route: facts.route, caps: reservation.quotas)
    let granted = min(wanted, available)
    guard granted == wanted || (reservation.takesPart && granted > 0) else {
      let isEnough = reservation.takesPart ? min(1, wanted) : wanted
      throw .quota(
        available: available,
        windows: try quotas.endingShortages(of: isEnough, route: facts.route, caps: reservation.quotas))
    }
    try allOrNothing { () throws(LedgerError) in
      try uploads.insert(reservation, granted: granted)
      try quotas.reserve(0..<granted, of: facts.key, route: facts.route, caps: reservation.quotas)
      try events.insert(reservation.events)
    }
    openCounts.add(1, to: client)
    return Lease(facts: facts, epoch: 1, committed: 0, granted: granted, storeState: reservation.storeState)
  }

  func find(_ key: UploadKey) throws(LedgerError) -> UploadRecord? {
    try uploads.find(key)
  }

  func takeOver(_ request: LeaseRequest) throws(LedgerError) -> Lease {
    guard let upload = try uploads.findOpen(request.key) else { throw .unknown }
    var facts = upload.facts
    facts.digest = facts.digest ?? request.digest
    facts.total = facts.total ?? request.lateTotal
    guard upload.committed <= facts.total ?? .max else { throw .fenced }
    // What was granted beyond a total that is only now known is given back.
    let kept = min(upload.granted, facts.total ?? .max)
    let missing = max(0, min(request.wanted, facts.total ?? .max) - kept)
    guard mayGrow || missing == 0 else { throw Self.full }
    let granted =
      missing == 0
      ? kept : kept + min(missing, try quotas.available(route: facts.route, caps: request.quotas))
    let windows =
      missing > 0 && granted == kept
      ? try quotas.endingShortages(of: 1, route: facts.route, caps: request.quotas) : []
    try allOrNothing { () throws(LedgerError) in
      try uploads.takeOver(request, facts, granted: granted)
      if kept < upload.granted { try quotas.cut(facts.key, route: facts.route, to: kept) }
      try quotas.reserve(kept..<granted, of: facts.key, route: facts.route, caps: request.quotas)
    }
    return Lease(
      facts: facts, epoch: upload.epoch + 1, committed: upload.committed, granted: granted, shortWindows: windows,
      storeState: upload.storeState)
  }

  func extend(_ extension: GrantExtension) throws(LedgerError) -> Int64 {
    guard let upload = try uploads.findOpen(`extension`.key) else { throw .unknown }
    guard upload.epoch == `extension`.epoch else { throw .fenced }
    let (route, caps) = (upload.facts.route, `extension`.quotas)
    let missing = min(`extension`.end, upload.facts.total ?? .max) - upload.granted
    guard missing > 0 else { return upload.granted }
    guard mayGrow else { throw Self.full }
    let available = try quotas.available(route: route, caps: caps)
    guard available > 0 else {
      throw .quota(available: 0, windows: try quotas.endingShortages(of: 1, route: route, caps: caps))
    }
    let granted = upload.granted + min(missing, available)
    try allOrNothing { () throws(LedgerError) in
      try uploads.extend(upload.key, granted: granted)
      try quotas.reserve(upload.granted..<granted, of: upload.key, route: route, caps: caps)
    }
    return granted
  }

  // One statement is whole by itself: the call that is made most often needs no savepoint.
  func advance(_ step: Advance) throws(LedgerError) {
    guard step.to >= step.from, try uploads.advance(step) else {
      throw try uploads.findOpen(step.key) == nil ? .unknown : .fenced
    }
  }

  func renew(_ renewals: [LeaseRenewal]) throws(LedgerError) {
    for renewal in renewals { try uploads.renew(renewal) }
  }

  mutating func complete(_ completion: Completion) throws(LedgerError) {
    let (key, size) = (completion.key, completion.size)
    var client: OpenUploadCounts.Client?
    do throws(LedgerError) {
      try allOrNothing { () throws(LedgerError) in
        client = try uploads.complete(completion)
        guard let client else { throw try uploads.findOpen(key) == nil ? .unknown : .fenced }
        try quotas.complete(key, route: client.route, size: size, charged: min(max(0, completion.charged), size))
        try events.insert(completion.events)
      }
    } catch {
      // The same call may have been committed before, and only its answer was lost.
      guard error == .unknown, let done = try uploads.find(key), done.state == .done, done.epoch == completion.epoch,
        done.committed == size
      else { throw error }
    }
    if let client { openCounts.add(-1, to: client) }
  }

  mutating func release(_ key: UploadKey, epoch: Int64, events told: [Event] = []) throws(LedgerError) {
    guard let upload = try uploads.find(key) else { return }
    guard upload.state != .done else { throw .unknown }
    try allOrNothing { () throws(LedgerError) in
      guard try uploads.delete(key, epoch: epoch) else { throw .fenced }
      try quotas.release(key, route: upload.facts.route)
      if upload.state == .open { try events.insert(told) }
    }
    if upload.state == .open { openCounts.add(-1, to: upload.client) }
  }

  mutating func fail(
    _ key: UploadKey, epoch: Int64, expiresAt: WallTime, events told: [Event] = []
  ) throws(LedgerError) {
    guard let upload = try uploads.find(key), upload.state != .done else { throw .unknown }
    // The same call may have been committed before, and only its answer was lost.
    if upload.state == .failed, upload.epoch == epoch { return }
    try allOrNothing { () throws(LedgerError) in
      guard try uploads.fail(key, epoch: epoch, expiresAt: expiresAt) else { throw .fenced }
      try quotas.release(key, route: upload.facts.route)
      try events.insert(told)
    }
    openCounts.add(-1, to: upload.client)
  }

  func complete(_ wanted: CompleteUploads) throws(LedgerError) -> [UploadRecord] {
    try uploads.complete(wanted)
  }

  func depart(_ keys: [UploadKey], _ file: UploadRecord.FileState) throws(LedgerError) -> [UploadKey] {
    var departed: [UploadKey] = []
    try allOrNothing { () throws(LedgerError) in
      for key in keys {
        guard let route = try uploads.depart(key, file) else { continue }
        try quotas.forget(key, route: route)
        departed.append(key)
      }
    }
    return departed
  }

  func prune(_ old: CompleteUploads) throws(LedgerError) -> Int {
    try uploads.prune(old)
  }

  func forget(_ key: UploadKey) throws(LedgerError) {
    try giveBack(key) { () throws(LedgerError) in try uploads.deleteDone(key) }
  }

  func retract(_ key: UploadKey, expiresAt: WallTime, events told: [Event] = []) throws(LedgerError) {
    try giveBack(key) { () throws(LedgerError) in
      guard try uploads.retract(key, expiresAt: expiresAt) else { return false }
      try events.insert(told)
      return true
    }
  }

  func claimEvents(_ claim: EventClaim) throws(LedgerError) -> EventBatch {
    try events.claim(claim)
  }

  func delivered(_ id: String, to target: String, hastens: Bool) throws(LedgerError) {
    try events.delivered(id, to: target, hastens: hastens)
  }

  func undelivered(_ failure: EventFailure) throws(LedgerError) {
    try events.undelivered(failure)
  }

  /// - Parameter end: makes the upload's row that of one that is not complete; `false` where there is no complete one.
  private func giveBack(_ key: UploadKey, _ end: () throws(LedgerError) -> Bool) throws(LedgerError) {
    guard let upload = try uploads.find(key), upload.state == .done else { throw .unknown }
    try allOrNothing { () throws(LedgerError) in
      guard try end() else { throw .unknown }
      try quotas.forget(key, route: upload.facts.route)
    }
  }

  func dropWindows(before start: WallTime) throws(LedgerError) {
    try quotas.dropWindows(before: start)
  }

  func unfinished() throws(LedgerError) -> [UploadRecord] {
    try uploads.unfinished()
  }

  func expired(at time: WallTime) throws(LedgerError) -> [UploadRecord] {
    try uploads.expired(at: time)
  }

  func allQuotas() throws(LedgerError) -> [QuotaRecord] {
    try quotas.all()
  }

  private static let full = LedgerError.engine("the ledger's disk is full: no upload is begun until it has room again")

  /// Takes back what `changes` did where it throws, and leaves the calls beside it in the transaction alone.
  private func allOrNothing(_ changes: () throws(LedgerError) -> Void) throws(LedgerError) {
    try mark.run()
    do throws(LedgerError) {
      try changes()
      try keepMark.run()
    } catch {
      do throws(LedgerError) {
        try returnToMark.run()
        try keepMark.run()
      } catch {
        // Half a call must never be committed. The writer sees that the transaction is gone, and fails them all.
        _ = try? rollback.run()
      }
      throw error
    }
  }
}

extension UploadRecord {
  var client: OpenUploadCounts.Client { OpenUploadCounts.Client(route: facts.route, subject: facts.subject) }
}
