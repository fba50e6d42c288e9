import GatewayCore

/// The uploads' own rows.
struct UploadTable {
  private let insert: Statement
  private let read: Statement
  private let readOpen: Statement
  private let claim: Statement
  private let advance: Statement
  private let settle: Statement
  private let fail: Statement
  private let delete: Statement
  private let deleteDone: Statement
  private let listUnfinished: Statement
  private let countOpen: Statement

  init(_ database: Database) throws(LedgerError) {
    insert = try Statement(
      """
      INSERT INTO upload (key, route, owner, total, granted, state, epoch, holder, format, label, digest, created_at,
        expires_at, subject, store_state)
      VALUES ($1, $2, $3, $4, $5, 'open', 1, $6, $7, $8, $9, $10, $11, $12, $13)
      """, in: database)
    read = try Statement(UploadRecord.selection + " WHERE key = $1", in: database)
    readOpen = try Statement(UploadRecord.selection + " WHERE key = $1 AND state = 'open'", in: database)
    claim = try Statement(
      """
      UPDATE upload SET epoch = epoch + 1, granted = $1, holder = $2, digest = $3, expires_at = $4
      WHERE key = $5 AND state = 'open'
      """, in: database)
    advance = try Statement(
      """
      UPDATE upload SET committed = $1, expires_at = $2
      WHERE key = $3 AND state = 'open' AND epoch = $4 AND committed = $5 AND granted >= $1
      """, in: database)
    settle = try Statement(
      """
      UPDATE upload SET state = 'done', committed = $1, granted = 0, digest = coalesce($2, digest), finished_at = $3
      WHERE key = $4 AND state = 'open' AND epoch = $5 AND committed <= $1 AND granted >= $1
        AND (total IS NULL OR total = $1)
      RETURNING route, subject
      """, in: database)
    fail = try Statement(
      """
      UPDATE upload SET state = 'failed', granted = 0, expires_at = $1 WHERE key = $2 AND state = 'open' AND epoch = $3
      """, in: database)
    delete = try Statement("DELETE FROM upload WHERE key = $1 AND state <> 'done' AND epoch = $2", in: database)
    deleteDone = try Statement("DELETE FROM upload WHERE key = $1 AND state = 'done'", in: database)
    listUnfinished = try Statement(
      UploadRecord.selection + " WHERE state <> 'done' ORDER BY route, created_at, key", in: database)
    countOpen = try Statement(
      "SELECT route, subject, count(*) FROM upload WHERE state = 'open' GROUP BY route, subject", in: database)
  }

  func insert(_ reservation: Reservation, granted: Int64) throws(LedgerError) {
    insert.bind(1, reservation.key.text)
    insert.bind(2, reservation.route)
    insert.bind(3, reservation.owner)
    insert.bind(4, reservation.total)
    insert.bind(5, granted)
    insert.bind(6, reservation.holder)
    insert.bind(7, reservation.format)
    insert.bind(8, reservation.label)
    insert.bind(9, reservation.digest?.bytes)
    insert.bind(10, reservation.at.milliseconds)
    insert.bind(11, reservation.expiresAt.milliseconds)
    insert.bind(12, reservation.subject)
    insert.bind(13, reservation.storeState)
    try insert.run()
  }

  func find(_ key: UploadKey) throws(LedgerError) -> UploadRecord? {
    try Self.first(of: read, key)
  }

  func findOpen(_ key: UploadKey) throws(LedgerError) -> UploadRecord? {
    try Self.first(of: readOpen, key)
  }

  func claim(_ request: Claim, granted: Int64, digest: ContentDigest?) throws(LedgerError) {
    claim.bind(1, granted)
    claim.bind(2, request.holder)
    claim.bind(3, digest?.bytes)
    claim.bind(4, request.expiresAt.milliseconds)
    claim.bind(5, request.key.text)
    try claim.run()
  }

  /// - Returns: whether the upload is as the caller took it for.
  func advance(
    _ key: UploadKey, epoch: Int64, from: Int64, to: Int64, expiresAt: WallTime
  ) throws(LedgerError) -> Bool {
    advance.bind(1, to)
    advance.bind(2, expiresAt.milliseconds)
    advance.bind(3, key.text)
    advance.bind(4, epoch)
    advance.bind(5, from)
    return try advance.run() == 1
  }

  /// - Returns: whose upload it was; `nil` where it is not as the caller took it for.
  func settle(_ settlement: Settlement) throws(LedgerError) -> OpenUploadCounts.Client? {
    settle.bind(1, settlement.size)
    settle.bind(2, settlement.digest?.bytes)
    settle.bind(3, settlement.at.milliseconds)
    settle.bind(4, settlement.key.text)
    settle.bind(5, settlement.epoch)
    defer { settle.reset() }
    return try settle.step() ? OpenUploadCounts.Client(route: settle.text(0), subject: settle.text(1)) : nil
  }

  /// - Returns: whether the upload is as the caller took it for.
  func fail(_ key: UploadKey, epoch: Int64, expiresAt: WallTime) throws(LedgerError) -> Bool {
    fail.bind(1, expiresAt.milliseconds)
    fail.bind(2, key.text)
    fail.bind(3, epoch)
    return try fail.run() == 1
  }

  /// - Returns: whether there was such a complete upload.
  func deleteDone(_ key: UploadKey) throws(LedgerError) -> Bool {
    deleteDone.bind(1, key.text)
    return try deleteDone.run() == 1
  }

  /// - Returns: whether the upload is as the caller took it for.
  func delete(_ key: UploadKey, epoch: Int64) throws(LedgerError) -> Bool {
    delete.bind(1, key.text)
    delete.bind(2, epoch)
    return try delete.run() == 1
  }

  func unfinished() throws(LedgerError) -> [UploadRecord] {
    defer { listUnfinished.reset() }
    var records: [UploadRecord] = []
    while try listUnfinished.step() { records.append(try UploadRecord(row: listUnfinished)) }
    return records
  }

  /// How many uploads of each client are open.
  func unfinishedCounts() throws(LedgerError) -> [OpenUploadCounts.Client: Int] {
    defer { countOpen.reset() }
    var counts: [OpenUploadCounts.Client: Int] = [:]
    while try countOpen.step() {
      let client = OpenUploadCounts.Client(route: countOpen.text(0), subject: countOpen.text(1))
      counts[client] = Int(countOpen.integer(2))
    }
    return counts
  }

  private static func first(of statement: Statement, _ key: UploadKey) throws(LedgerError) -> UploadRecord? {
    statement.bind(1, key.text)
    defer { statement.reset() }
    return try statement.step() ? try UploadRecord(row: statement) : nil
  }
}
