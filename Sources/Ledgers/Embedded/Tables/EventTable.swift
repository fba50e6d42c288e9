import GatewayCore

/// The events that wait for their targets.
struct EventTable {
  private let insert: Statement
  private let due: Statement
  private let nextDue: Statement
  private let delete: Statement
  private let hasten: Statement
  private let postpone: Statement
  private let bury: Statement
  private let list: Statement
  private let sendAgain: Statement
  private let forget: Statement

  /// Those that ``EventRecord`` is read from.
  static let columns = "id, target, key, kind, at, body, tries, since, due_at, dead_at, reason"

  init(_ database: Database) throws(LedgerError) {
    // Numbers need no more than the order of what is there: those of an upload grow while one of them waits.
    insert = try Statement(
      """
      INSERT INTO event (number, id, target, key, kind, at, body, tries, since, due_at)
      VALUES ((SELECT coalesce(max(number), 0) + 1 FROM event), $1, $2, $3, $4, $5, $6, 0, $5, $5)
      ON CONFLICT (target, id) DO NOTHING
      """, in: database)
    // A clock that was set back must not hold an event up for longer than it can wait.
    due = try Statement(
      """
      SELECT \(Self.columns) FROM event e
      WHERE target = $1 AND dead_at IS NULL AND (due_at <= $2 OR due_at > $3)
        AND NOT EXISTS (SELECT 1 FROM event o
          WHERE o.key = e.key AND o.target = e.target AND o.dead_at IS NULL AND o.number < e.number)
      ORDER BY due_at, number LIMIT $4
      """, in: database)
    nextDue = try Statement(
      "SELECT min(due_at) FROM event WHERE target = $1 AND dead_at IS NULL AND due_at > $2", in: database)
    delete = try Statement("DELETE FROM event WHERE target = $1 AND id = $2", in: database)
    hasten = try Statement(
      "UPDATE event SET due_at = at WHERE target = $1 AND dead_at IS NULL AND due_at > at", in: database)
    postpone = try Statement(
      "UPDATE event SET tries = $1, due_at = $2, reason = $3 WHERE target = $4 AND id = $5 AND dead_at IS NULL",
      in: database)
    bury = try Statement(
      "UPDATE event SET tries = $1, dead_at = $2, reason = $3 WHERE target = $4 AND id = $5 AND dead_at IS NULL",
      in: database)
    let selected = "($1 IS NULL OR id = $1) AND ($2 IS NULL OR target = $2)"
    list = try Statement(
      "SELECT \(Self.columns) FROM event WHERE \(selected) AND ($3 = 0 OR dead_at IS NOT NULL) ORDER BY number",
      in: database)
    sendAgain = try Statement(
      """
      UPDATE event SET dead_at = NULL, tries = 0, since = $1, due_at = $1
      WHERE ($2 IS NULL OR id = $2) AND ($3 IS NULL OR target = $3) AND dead_at IS NOT NULL
      """, in: database)
    forget = try Statement(
      "DELETE FROM event WHERE \(selected) AND ($3 = 0 OR dead_at IS NOT NULL)", in: database)
  }

  func insert(_ events: [Event]) throws(LedgerError) {
    for event in events {
      insert.bind(1, event.id)
      insert.bind(2, event.target)
      insert.bind(3, event.key.text)
      insert.bind(4, event.kind.rawValue)
      insert.bind(5, event.at.milliseconds)
      insert.bind(6, event.body)
      try insert.run()
    }
  }

  func claim(_ claim: EventClaim) throws(LedgerError) -> EventBatch {
    due.bind(1, claim.target)
    due.bind(2, claim.now.milliseconds)
    due.bind(3, claim.now.advanced(byMilliseconds: 2 * DeliveryMachine.longestWait).milliseconds)
    due.bind(4, Int64(claim.limit + claim.besides.count))
    var events: [Event] = []
    do {
      defer { due.reset() }
      while events.count < claim.limit, try due.step() {
        let event = try EventRecord(row: due).event
        if !claim.besides.contains(event.id) { events.append(event) }
      }
    }
    nextDue.bind(1, claim.target)
    nextDue.bind(2, claim.now.milliseconds)
    defer { nextDue.reset() }
    let next = try nextDue.step() ? nextDue.optionalInteger(0) : nil
    return EventBatch(events: events, nextDue: next.map { WallTime(milliseconds: $0) })
  }

  func delivered(_ id: String, to target: String, hastens: Bool) throws(LedgerError) {
    delete.bind(1, target)
    delete.bind(2, id)
    try delete.run()
    guard hastens else { return }
    hasten.bind(1, target)
    try hasten.run()
  }

  func undelivered(_ failure: EventFailure) throws(LedgerError) {
    let (statement, moment) =
      switch failure.consequence {
      case .postponed(let moment): (postpone, moment)
      case .dead(let moment): (bury, moment)
      }
    statement.bind(1, Int64(failure.tries))
    statement.bind(2, moment.milliseconds)
    statement.bind(3, failure.reason)
    statement.bind(4, failure.target)
    statement.bind(5, failure.id)
    try statement.run()
  }

  func list(_ selection: EventSelection) throws(LedgerError) -> [EventRecord] {
    var records: [EventRecord] = []
    for id in Self.ids(selection) {
      list.bind(1, id)
      list.bind(2, selection.target)
      list.bind(3, selection.deadOnly ? 1 : 0)
      defer { list.reset() }
      while try list.step() { records.append(try EventRecord(row: list)) }
    }
    return records
  }

  /// - Returns: how many.
  func sendAgain(_ selection: EventSelection, at now: WallTime) throws(LedgerError) -> Int {
    var count = 0
    for id in Self.ids(selection) {
      sendAgain.bind(1, now.milliseconds)
      sendAgain.bind(2, id)
      sendAgain.bind(3, selection.target)
      count += try sendAgain.run()
    }
    return count
  }

  /// - Returns: how many.
  func forget(_ selection: EventSelection) throws(LedgerError) -> Int {
    var count = 0
    for id in Self.ids(selection) {
      forget.bind(1, id)
      forget.bind(2, selection.target)
      forget.bind(3, selection.deadOnly ? 1 : 0)
      count += try forget.run()
    }
    return count
  }

  /// Each that is meant; `nil` for all.
  private static func ids(_ selection: EventSelection) -> [String?] {
    guard let ids = selection.ids else { return [nil] }
    var seen: Set<String> = []
    return ids.filter { seen.insert($0).inserted }
  }
}

extension EventRecord {
  /// Reads a row of the table's columns.
  init(row: some StoredRow) throws(LedgerError) {
    guard let key = UploadKey(row.text(2)), let kind = EventKind(rawValue: row.text(3)) else {
      throw .engine("the ledger is damaged: the event \(row.text(0)) has no valid key or kind")
    }
    let event = Event(
      id: row.text(0), target: row.text(1), key: key, kind: kind, at: WallTime(milliseconds: row.integer(4)),
      body: row.text(5), tries: Int(row.integer(6)), since: WallTime(milliseconds: row.integer(7)))
    self.init(
      event: event, dueAt: WallTime(milliseconds: row.integer(8)),
      deadAt: row.optionalInteger(9).map { WallTime(milliseconds: $0) }, reason: row.optionalText(10))
  }
}
