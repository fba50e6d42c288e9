import GatewayCore

/// The rules by which everything in a ledger's file agrees with everything else.
enum LedgerAudit {
  /// All violations of the rules; sees one moment of the ledger.
  static func violations(in database: Database) throws(LedgerError) -> [LedgerViolation] {
    try database.execute("BEGIN")
    defer { try? database.execute("ROLLBACK") }
    var violations: [LedgerViolation] = []
    for rule in rules {
      let statement = try Statement(rule.sql, in: database)
      defer { statement.reset() }
      while try statement.step() {
        let found = statement.text(0)
        if rule.name == "file", found == "ok" { continue }
        violations.append(LedgerViolation(rule: rule.name, description: found))
      }
    }
    return violations
  }

  // Keys are secrets: only their first twelve characters are said.
  static let rules: [(name: String, sql: String)] = [
    ("file", "PRAGMA quick_check(20)"),
    (
      "reserved",
      quotaSums("reserved", state: "open", quotas: "q.win = q.win")
    ),
    (
      "used",
      // Of windows nothing is noted once an upload is complete.
      quotaSums("used", state: "done", quotas: "q.win = 0")
    ),
    (
      "cap",
      """
      SELECT 'quota "' || subject || '" of ' || route || ' (window ' || win || '): ' || used || ' used and '
        || reserved || ' reserved are not within its cap of ' || cap
      FROM quota WHERE used < 0 OR reserved < 0 OR used + reserved > cap
      """
    ),
    (
      "quota-missing",
      """
      SELECT 'upload ' || substr(u.key, 1, 12) || ' counts in quota "' || e.subject || '" of ' || u.route || ' (window '
        || e.win || '), which is not there'
      FROM upload_quota e JOIN upload u ON u.key = e.key
      LEFT JOIN quota q ON q.route = u.route AND q.subject = e.subject AND q.win = e.win
      WHERE q.cap IS NULL AND e.high > e.low
      """
    ),
    (
      "orphan",
      """
      SELECT 'upload ' || substr(e.key, 1, 12) || ' counts in quota "' || e.subject || '" and is not there'
      FROM upload_quota e LEFT JOIN upload u ON u.key = e.key WHERE u.key IS NULL
      """
    ),
    (
      "upload",
      """
      SELECT 'upload ' || substr(key, 1, 12) || ' of ' || route || ' is ' || state || ' with ' || committed || ' safe, '
        || granted || ' granted, a total of ' || coalesce(CAST(total AS text), '*')
        || CASE WHEN finished_at IS NULL THEN ', never finished' ELSE ', finished' END
      FROM upload WHERE committed < 0 OR granted < 0
        OR (state = 'open' AND (committed > granted OR granted > coalesce(total, granted) OR finished_at IS NOT NULL))
        OR (state <> 'open' AND granted <> 0)
        OR (state = 'done' AND (committed <> coalesce(total, committed) OR finished_at IS NULL OR role = 'part'))
      """
    ),
    (
      "extent",
      """
      SELECT 'upload ' || substr(u.key, 1, 12) || ', which is ' || u.state || ' with ' || u.granted || ' granted and '
        || u.committed || ' safe, counts bytes ' || e.low || ' to ' || e.high || ' in quota "' || e.subject
        || '" (window ' || e.win || ')'
      FROM upload_quota e JOIN upload u ON u.key = e.key
      WHERE e.low < 0 OR u.state = 'failed' OR (u.state = 'open' AND e.high > u.granted)
        OR (u.state = 'done' AND (e.win <> 0 OR e.high > u.committed OR u.file <> ''))
        OR EXISTS (SELECT 1 FROM upload_quota o
          WHERE o.key = e.key AND o.subject = e.subject AND o.win = e.win AND o.low > e.low AND o.low < e.high)
      """
    ),
    (
      "event",
      """
      SELECT 'event ' || id || ' for ' || target || ' was sent ' || tries || ' times and is due at ' || due_at
      FROM event WHERE tries < 0 OR due_at < 0 OR substr(id, 1, 12) <> substr(key, 1, 12)
      """
    ),
    (
      "route-extent",
      """
      SELECT 'upload ' || substr(u.key, 1, 12) || ' of ' || u.route || ' has ' || u.granted || ' granted, and '
        || sum(e.high - e.low) || ' count in its route''s quota'
      FROM upload u JOIN upload_quota e ON e.key = u.key AND e.subject = '' AND e.win = 0
      WHERE u.state = 'open' GROUP BY u.key HAVING sum(e.high - e.low) <> u.granted
      """
    ),
  ]

  /// Those of `quotas` whose `column` is not the sum over the uploads of `state`.
  private static func quotaSums(_ column: String, state: String, quotas: String) -> String {
    """
    SELECT 'quota "' || q.subject || '" of ' || q.route || ' (window ' || q.win || ') has ' || q.\(column)
      || ' \(column), and its uploads make ' || coalesce(s.bytes, 0)
    FROM quota q LEFT JOIN (
      SELECT u.route, e.subject, e.win, sum(e.high - e.low) AS bytes FROM upload_quota e JOIN upload u ON u.key = e.key
      WHERE u.state = '\(state)' GROUP BY u.route, e.subject, e.win
    ) s ON s.route = q.route AND s.subject = q.subject AND s.win = q.win
    WHERE q.\(column) <> coalesce(s.bytes, 0) AND \(quotas)
    """
  }
}
