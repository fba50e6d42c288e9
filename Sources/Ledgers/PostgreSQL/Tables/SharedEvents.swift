#if PostgreSQL
  import GatewayCore

  /// What is asked about the events that wait for their targets.
  enum SharedEvents {
    static func insert(_ events: [Event]) -> [Command] {
      events.map { event in
        // Events of one upload come one after the other; those of others may have the same number.
        Command(
          """
          INSERT INTO event (number, id, target, key, kind, at, body, tries, since, due_at)
          VALUES ((SELECT coalesce(max(number), 0) + 1 FROM event), $1, $2, $3, $4, $5, $6, 0, $5, $5)
          ON CONFLICT (target, id) DO NOTHING
          """, [event.id, event.target, event.key.text, event.kind.rawValue, event.at.milliseconds, event.body])
      }
    }

    static func claim(_ claim: EventClaim) -> [Command] {
      let due = Command(
        """
        WITH claimed AS (UPDATE event SET claimed_by = $7, claimed_until = $4 WHERE (target, id) IN (
          SELECT target, id FROM event e WHERE target = $1 AND dead_at IS NULL AND (due_at <= $2 OR due_at > $3)
            AND (claimed_by IS NULL OR claimed_by = $7 OR claimed_until <= $2)
            AND NOT (id = ANY (string_to_array($5, ' ')))
            AND NOT EXISTS (SELECT 1 FROM event o
              WHERE o.key = e.key AND o.target = e.target AND o.dead_at IS NULL AND o.number < e.number)
          ORDER BY due_at, number LIMIT $6 FOR UPDATE SKIP LOCKED)
        RETURNING number, \(EventTable.columns))
        SELECT \(EventTable.columns) FROM claimed ORDER BY due_at, number
        """,
        [
          claim.target, claim.now.milliseconds,
          claim.now.advanced(byMilliseconds: 2 * DeliveryMachine.longestWait).milliseconds,
          claim.now.advanced(byMilliseconds: claim.heldFor).milliseconds, claim.besides.sorted().joined(separator: " "),
          Int64(claim.limit), claim.holder,
        ])
      let next = Command(
        "SELECT min(due_at) FROM event WHERE target = $1 AND dead_at IS NULL AND due_at > $2",
        [claim.target, claim.now.milliseconds])
      return [.begin, due, next, .commit]
    }

    static func delivered(_ id: String, to target: String, hastens: Bool) -> [Command] {
      let delete = Command("DELETE FROM event WHERE target = $1 AND id = $2", [target, id])
      guard hastens else { return [delete] }
      return [
        .begin, delete,
        Command(
          "UPDATE event SET due_at = at WHERE target = $1 AND dead_at IS NULL AND due_at > at", [target]),
        .commit,
      ]
    }

    static func undelivered(_ failure: EventFailure) -> Command {
      let (column, moment) =
        switch failure.consequence {
        case .postponed(let moment): ("due_at", moment)
        case .dead(let moment): ("dead_at", moment)
        }
      return Command(
        "UPDATE event SET tries = $1, \(column) = $2, reason = $3, claimed_by = NULL WHERE target = $4 AND id = $5 AND dead_at IS NULL",
        [Int64(failure.tries), moment.milliseconds, failure.reason, failure.target, failure.id])
    }

    // MARK: From outside

    static func list(_ selection: EventSelection) -> Command {
      Command(
        "SELECT \(EventTable.columns) FROM event WHERE \(selected) ORDER BY number, at", values(selection))
    }

    static func sendAgain(_ selection: EventSelection, at now: WallTime) -> Command {
      Command(
        """
        UPDATE event SET dead_at = NULL, claimed_by = NULL, tries = 0, since = $4, due_at = $4
        WHERE \(selected) AND dead_at IS NOT NULL
        """, values(selection) + [now.milliseconds])
    }

    static func forget(_ selection: EventSelection) -> Command {
      Command("DELETE FROM event WHERE \(selected)", values(selection))
    }

    private static let selected = """
      ($1::text IS NULL OR id = ANY (string_to_array($1::text, ' '))) AND ($2::text IS NULL OR target = $2::text)
        AND ($3::bigint = 0 OR dead_at IS NOT NULL)
      """

    private static func values(_ selection: EventSelection) -> [(any SQLValue)?] {
      [selection.ids?.joined(separator: " "), selection.target, selection.deadOnly ? Int64(1) : Int64(0)]
    }
  }

  extension SharedCalls {
    static func claimEvents(_ claim: EventClaim, in session: DatabaseSession) throws(DatabaseFailure) -> EventBatch {
      let found = try session.exchange(SharedEvents.claim(claim))
      return EventBatch(
        events: try events(found[1]).map(\.event),
        nextDue: found[2].first?.optionalInteger(0).map { WallTime(milliseconds: $0) })
    }

    static func events(_ rows: Rows) throws(DatabaseFailure) -> [EventRecord] {
      do throws(LedgerError) {
        return try rows.map { (row) throws(LedgerError) in try EventRecord(row: row) }
      } catch {
        throw .refused(error)
      }
    }
  }
#endif
