import GatewayCore

/// The ledger's calls, on one thread and inside a transaction that somebody else begins and commits.
struct LedgerTransaction {
  private let uploads: UploadTable
  private let quotas: QuotaTable
  private let mark: Statement
  private let keepMark: Statement
  private let returnToMark: Statement
  private let rollback: Statement
  private(set) var census: OpenUploadCounts
  /// Whether what makes the ledger grow may be done: else only what ends uploads, or leaves them as they are.
  var mayGrow = true

  init(_ database: Database) throws(LedgerError) {
    uploads = try UploadTable(database)
    quotas = try QuotaTable(database)
    mark = try Statement("SAVEPOINT call", in: database)
    keepMark = try Statement("RELEASE SAVEPOINT call", in: database)
    returnToMark = try Statement("ROLLBACK TO SAVEPOINT call", in: database)
    rollback = try Statement("ROLLBACK", in: database)
    census = OpenUploadCounts(try uploads.unfinishedCounts())
  }

  mutating func committed() {
    census.keep()
  }

  mutating func cameToNothing() {
    census.takeBack()
  }

  mutating func open(_ reservation: Reservation) throws(LedgerError) -> Lease {
    guard reservation.wanted >= 0, reservation.total ?? 0 >= 0 else {
      throw .engine("a reservation of \(reservation.wanted) bytes of \(reservation.total ?? 0) makes no sense")
    }
    guard mayGrow else { throw Self.full }
    let client = OpenUploadCounts.Client(route: reservation.route, subject: reservation.subject)
    guard census.count(of: reservation.route) < reservation.unfinishedLimit,
      census.count(of: client) < reservation.clientUnfinishedLimit
    else { throw .crowded }
    let wanted = min(reservation.wanted, reservation.total ?? .max)
    let available = try quotas.available(route: reservation.route, caps: reservation.quotas)
    let granted = min(wanted, available)
    guard granted == wanted || (reservation.takesPart && granted > 0) else {
      let isEnough = reservation.takesPart ? min(1, wanted) : wanted
      throw .quota(
        available: available,
        windows: try quotas.endingShortages(of: isEnough, route: reservation.route, caps: reservation.quotas))
    }
    try allOrNothing { () throws(LedgerError) in
      try uploads.insert(reservation, granted: granted)
      try quotas.reserve(0..<granted, of: reservation.key, route: reservation.route, caps: reservation.quotas)
    }
    census.add(1, to: client)
    return Lease(
      epoch: 1, committed: 0, granted: granted, digest: reservation.digest, label: reservation.label,
      createdAt: reservation.at, storeState: reservation.storeState)
  }

  func find(_ key: UploadKey) throws(LedgerError) -> UploadRecord? {
    try uploads.find(key)
  }

  func claim(_ claim: Claim) throws(LedgerError) -> Lease {
    guard let upload = try uploads.findOpen(claim.key) else { throw .unknown }
    let missing = max(0, min(claim.wanted, upload.total ?? .max) - upload.granted)
    guard mayGrow || missing == 0 else { throw Self.full }
    let granted =
      missing == 0
      ? upload.granted
      : upload.granted + min(missing, try quotas.available(route: upload.route, caps: claim.quotas))
    let windows =
      missing > 0 && granted == upload.granted
      ? try quotas.endingShortages(of: 1, route: upload.route, caps: claim.quotas) : []
    let digest = upload.digest ?? claim.digest
    try allOrNothing { () throws(LedgerError) in
      try uploads.claim(claim, granted: granted, digest: digest)
      try quotas.reserve(upload.granted..<granted, of: claim.key, route: upload.route, caps: claim.quotas)
    }
    return Lease(
      epoch: upload.epoch + 1, committed: upload.committed, granted: granted, digest: digest, label: upload.label,
      createdAt: upload.createdAt, shortWindows: windows, storeState: upload.storeState)
  }

  // One statement is whole by itself: the call that is made most often needs no savepoint.
  func advance(
    _ key: UploadKey, epoch: Int64, from: Int64, to: Int64, expiresAt: WallTime
  ) throws(LedgerError) {
    guard to >= from, try uploads.advance(key, epoch: epoch, from: from, to: to, expiresAt: expiresAt) else {
      throw try uploads.findOpen(key) == nil ? .unknown : .fenced
    }
  }

  mutating func settle(_ settlement: Settlement) throws(LedgerError) {
    let key = settlement.key
    let size = settlement.size
    var client: OpenUploadCounts.Client?
    try allOrNothing { () throws(LedgerError) in
      client = try uploads.settle(settlement)
      guard let client else { throw try uploads.findOpen(key) == nil ? .unknown : .fenced }
      try quotas.settle(key, route: client.route, size: size, charged: min(max(0, settlement.charged), size))
    }
    if let client { census.add(-1, to: client) }
  }

  mutating func release(_ key: UploadKey, epoch: Int64) throws(LedgerError) {
    guard let upload = try uploads.find(key), upload.state != .done else { throw .unknown }
    try allOrNothing { () throws(LedgerError) in
      guard try uploads.delete(key, epoch: epoch) else { throw .fenced }
      try quotas.release(key, route: upload.route)
    }
    if upload.state == .open { census.add(-1, to: upload.client) }
  }

  mutating func fail(_ key: UploadKey, epoch: Int64, expiresAt: WallTime) throws(LedgerError) {
    guard let upload = try uploads.findOpen(key) else { throw .unknown }
    try allOrNothing { () throws(LedgerError) in
      guard try uploads.fail(key, epoch: epoch, expiresAt: expiresAt) else { throw .fenced }
      try quotas.release(key, route: upload.route)
    }
    census.add(-1, to: upload.client)
  }

  func forget(_ key: UploadKey) throws(LedgerError) {
    guard let upload = try uploads.find(key), upload.state == .done else { throw .unknown }
    try allOrNothing { () throws(LedgerError) in
      guard try uploads.deleteDone(key) else { throw .unknown }
      try quotas.forget(key, route: upload.route)
    }
  }

  func dropWindows(before start: WallTime) throws(LedgerError) {
    try quotas.dropWindows(before: start)
  }

  func unfinished() throws(LedgerError) -> [UploadRecord] {
    try uploads.unfinished()
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
  var client: OpenUploadCounts.Client { OpenUploadCounts.Client(route: route, subject: subject) }
}
