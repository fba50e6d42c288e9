import GatewayCore

/// The uploads' own rows.
struct UploadTable {
  private let insert: Statement
  private let read: Statement
  private let readOpen: Statement
  private let takeOver: Statement
  private let extend: Statement
  private let advance: Statement
  private let renew: Statement
  private let complete: Statement
  private let fail: Statement
  private let delete: Statement
  private let deleteDone: Statement
  private let retract: Statement
  private let listUnfinished: Statement
  private let listExpired: Statement
  private let listComplete: Statement
  private let depart: Statement
  private let prune: Statement
  private let countOpen: Statement

  init(_ database: Database) throws(LedgerError) {
    insert = try Statement(UploadColumn.insertion, in: database)
    read = try Statement(UploadColumn.selection + " WHERE key = $1", in: database)
    readOpen = try Statement(UploadColumn.selection + " WHERE key = $1 AND state = 'open'", in: database)
    takeOver = try Statement(
      """
      UPDATE upload SET epoch = epoch + 1, granted = $1, holder = $2, digest = $3, expires_at = $4, total = $5
      WHERE key = $6 AND state = 'open'
      """, in: database)
    extend = try Statement("UPDATE upload SET granted = $1 WHERE key = $2 AND state = 'open'", in: database)
    advance = try Statement(
      """
      UPDATE upload SET committed = $1, expires_at = $2, store_state = coalesce($3, store_state),
        holder = CASE WHEN $4 THEN '' ELSE holder END
      WHERE key = $5 AND state = 'open' AND epoch = $6 AND committed = $7 AND granted >= $1
      """, in: database)
    renew = try Statement(
      "UPDATE upload SET expires_at = $1 WHERE key = $2 AND state = 'open' AND epoch = $3", in: database)
    complete = try Statement(
      """
      UPDATE upload SET state = 'done', committed = $1, granted = 0, digest = coalesce($2, digest), finished_at = $3,
        holder = ''
      WHERE key = $4 AND state = 'open' AND epoch = $5 AND committed <= $1 AND granted >= $1
        AND (total IS NULL OR total = $1) AND coalesce(role, '') <> 'part'
      RETURNING route, subject
      """, in: database)
    fail = try Statement(
      """
      UPDATE upload SET state = 'failed', granted = 0, holder = '', expires_at = $1
      WHERE key = $2 AND state = 'open' AND epoch = $3
      """, in: database)
    delete = try Statement("DELETE FROM upload WHERE key = $1 AND state <> 'done' AND epoch = $2", in: database)
    deleteDone = try Statement("DELETE FROM upload WHERE key = $1 AND state = 'done'", in: database)
    retract = try Statement(
      "UPDATE upload SET state = 'failed', expires_at = $1 WHERE key = $2 AND state = 'done'", in: database)
    listUnfinished = try Statement(
      UploadColumn.selection + " WHERE state <> 'done' ORDER BY route, created_at, key", in: database)
    listExpired = try Statement(
      UploadColumn.selection + " WHERE state <> 'done' AND expires_at <= $1 ORDER BY route, created_at, key",
      in: database)
    listComplete = try Statement(
      UploadColumn.selection + """
         WHERE state = 'done' AND route = $1 AND file = $2 AND finished_at < $3 AND (finished_at, key) > ($4, $5)
        ORDER BY finished_at, key LIMIT $6
        """, in: database)
    // Nobody removes a file that somebody has yet to hear of. What a consumer took away is gone all the same.
    depart = try Statement(
      """
      UPDATE upload SET file = $1 WHERE key = $2 AND state = 'done' AND file <> $1 AND file <> 'gone'
        AND ($1 <> 'leaving' OR NOT EXISTS (SELECT 1 FROM event WHERE event.key = upload.key AND dead_at IS NULL))
      RETURNING route
      """, in: database)
    prune = try Statement(
      """
      DELETE FROM upload WHERE key IN (
        SELECT key FROM upload WHERE state = 'done' AND route = $1 AND file = $2 AND finished_at < $3
        ORDER BY finished_at LIMIT $4)
      """, in: database)
    // By the index of what is not complete: of complete ones there may be millions.
    countOpen = try Statement(
      """
      SELECT route, subject, count(*) FROM upload WHERE state <> 'done' AND state = 'open' GROUP BY route, subject
      """, in: database)
  }

  func insert(_ reservation: Reservation, granted: Int64) throws(LedgerError) {
    try reservation.bind(to: insert, granted: granted)
    try insert.run()
  }

  func find(_ key: UploadKey) throws(LedgerError) -> UploadRecord? {
    try Self.first(of: read, key)
  }

  func findOpen(_ key: UploadKey) throws(LedgerError) -> UploadRecord? {
    try Self.first(of: readOpen, key)
  }

  /// - Parameter facts: with what the request has added to them.
  func takeOver(_ request: LeaseRequest, _ facts: UploadFacts, granted: Int64) throws(LedgerError) {
    takeOver.bind(1, granted)
    takeOver.bind(2, request.holder)
    takeOver.bind(3, facts.digest?.bytes)
    takeOver.bind(4, request.expiresAt.milliseconds)
    takeOver.bind(5, facts.total)
    takeOver.bind(6, request.key.text)
    try takeOver.run()
  }

  func extend(_ key: UploadKey, granted: Int64) throws(LedgerError) {
    extend.bind(1, granted)
    extend.bind(2, key.text)
    try extend.run()
  }

  /// - Returns: whether the upload is as the caller took it for.
  func advance(_ step: Advance) throws(LedgerError) -> Bool {
    advance.bind(1, step.to)
    advance.bind(2, step.expiresAt.milliseconds)
    advance.bind(3, step.storeState)
    advance.bind(4, step.endsLease ? 1 : 0)
    advance.bind(5, step.key.text)
    advance.bind(6, step.epoch)
    advance.bind(7, step.from)
    return try advance.run() == 1
  }

  /// What is fenced stays as it is.
  func renew(_ renewal: LeaseRenewal) throws(LedgerError) {
    renew.bind(1, renewal.expiresAt.milliseconds)
    renew.bind(2, renewal.key.text)
    renew.bind(3, renewal.epoch)
    try renew.run()
  }

  /// - Returns: whose upload it was; `nil` where it is not as the caller took it for.
  func complete(_ completion: Completion) throws(LedgerError) -> OpenUploadCounts.Client? {
    complete.bind(1, completion.size)
    complete.bind(2, completion.digest?.bytes)
    complete.bind(3, completion.at.milliseconds)
    complete.bind(4, completion.key.text)
    complete.bind(5, completion.epoch)
    defer { complete.reset() }
    return try complete.step() ? OpenUploadCounts.Client(route: complete.text(0), subject: complete.text(1)) : nil
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

  /// - Returns: whether there was such a complete upload.
  func retract(_ key: UploadKey, expiresAt: WallTime) throws(LedgerError) -> Bool {
    retract.bind(1, expiresAt.milliseconds)
    retract.bind(2, key.text)
    return try retract.run() == 1
  }

  func complete(_ wanted: CompleteUploads) throws(LedgerError) -> [UploadRecord] {
    listComplete.bind(1, wanted.route)
    listComplete.bind(2, wanted.file.rawValue)
    listComplete.bind(3, wanted.before.milliseconds)
    listComplete.bind(4, wanted.after?.finishedAt.milliseconds ?? .min)
    listComplete.bind(5, wanted.after?.key.text ?? "")
    listComplete.bind(6, Int64(wanted.limit))
    return try Self.all(of: listComplete)
  }

  /// - Returns: the upload's route; `nil` where nothing had to be changed.
  func depart(_ key: UploadKey, _ file: UploadRecord.FileState) throws(LedgerError) -> String? {
    depart.bind(1, file.rawValue)
    depart.bind(2, key.text)
    defer { depart.reset() }
    return try depart.step() ? depart.text(0) : nil
  }

  /// - Returns: how many there were.
  func prune(_ old: CompleteUploads) throws(LedgerError) -> Int {
    prune.bind(1, old.route)
    prune.bind(2, old.file.rawValue)
    prune.bind(3, old.before.milliseconds)
    prune.bind(4, Int64(old.limit))
    return try prune.run()
  }

  /// - Returns: whether the upload is as the caller took it for.
  func delete(_ key: UploadKey, epoch: Int64) throws(LedgerError) -> Bool {
    delete.bind(1, key.text)
    delete.bind(2, epoch)
    return try delete.run() == 1
  }

  func unfinished() throws(LedgerError) -> [UploadRecord] {
    try Self.all(of: listUnfinished)
  }

  func expired(at time: WallTime) throws(LedgerError) -> [UploadRecord] {
    listExpired.bind(1, time.milliseconds)
    return try Self.all(of: listExpired)
  }

  private static func all(of statement: Statement) throws(LedgerError) -> [UploadRecord] {
    defer { statement.reset() }
    var records: [UploadRecord] = []
    while try statement.step() { records.append(try UploadRecord(row: statement)) }
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
