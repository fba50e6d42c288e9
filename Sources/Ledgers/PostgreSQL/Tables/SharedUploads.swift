#if PostgreSQL
  import GatewayCore

  /// What is asked about uploads' own rows.
  enum SharedUploads {
    /// Whether nobody but the holder `$2` has a lease on the upload.
    private static let isFree = """
      (holder = '' OR holder = $2 OR NOT EXISTS (
        SELECT 1 FROM gateway WHERE gateway.holder = upload.holder AND lease_until > \(DatabaseClock.now)))
      """

    static func insert(_ reservation: Reservation, granted: Int64) throws(DatabaseFailure) -> Command {
      let parameters = Command.Parameters(count: UploadColumn.allCases.count)
      do throws(LedgerError) {
        try reservation.bind(to: parameters, granted: granted)
      } catch {
        throw .refused(error)
      }
      return Command(UploadColumn.insertion, parameters)
    }

    static func read(_ key: UploadKey) -> Command {
      Command(UploadColumn.selection + " WHERE key = $1", [key.text])
    }

    /// Raises the epoch where nobody else has a lease; all that the caller decides by the record follows in
    /// ``grant(_:_:epoch:granted:)``.
    static func claim(_ request: LeaseRequest) -> Command {
      Command(
        """
        UPDATE upload SET epoch = epoch + 1, holder = $2, wanted_by = NULL WHERE key = $1 AND state = 'open' AND \(isFree)
        RETURNING \(UploadColumn.list)
        """, [request.key.text, request.holder])
    }

    /// - Parameter facts: with what the request has added to them.
    static func grant(_ request: LeaseRequest, _ facts: UploadFacts, epoch: Int64, granted: Int64) -> Command {
      Command(
        """
        UPDATE upload SET granted = $1, digest = $2, expires_at = $3, total = $4 WHERE key = $5 AND epoch = $6
        """,
        [
          granted, facts.digest?.bytes, request.expiresAt.milliseconds, facts.total, request.key.text, epoch,
        ])
    }

    /// Locks an open upload's row, and gives its route, what is granted of it, and its total.
    static func look(_ asked: GrantExtension) -> Command {
      Command(
        """
        UPDATE upload SET granted = granted WHERE key = $1 AND state = 'open' AND epoch = $2
        RETURNING route, granted, total
        """, [asked.key.text, asked.epoch])
    }

    static func extend(_ asked: GrantExtension, to granted: Int64) -> Command {
      Command(
        "UPDATE upload SET granted = $1 WHERE key = $2 AND state = 'open' AND epoch = $3",
        [granted, asked.key.text, asked.epoch])
    }

    /// Tells the holder that somebody waits for the upload. Gives its name.
    static func want(_ request: LeaseRequest) -> Command {
      Command(
        """
        UPDATE upload SET wanted_by = $2 WHERE key = $1 AND state = 'open' AND NOT \(isFree) RETURNING holder
        """, [request.key.text, request.holder])
    }

    static func advance(_ step: Advance) -> Command {
      Command(
        """
        UPDATE upload SET committed = $1, expires_at = $2, store_state = coalesce($3, store_state),
          holder = CASE WHEN $4 = 1 THEN '' ELSE holder END
        WHERE key = $5 AND state = 'open' AND epoch = $6 AND committed = $7 AND granted >= $1
        """,
        [
          step.to, step.expiresAt.milliseconds, step.storeState, Int64(step.endsLease ? 1 : 0), step.key.text,
          step.epoch,
          step.from,
        ])
    }

    /// What is fenced stays as it is.
    static func renew(_ renewals: [LeaseRenewal]) -> Command {
      // Keys have neither commas nor quotes.
      func list(_ values: [some CustomStringConvertible]) -> String {
        "{\(values.map(\.description).joined(separator: ","))}"
      }
      return Command(
        """
        UPDATE upload SET expires_at = renewal.expires_at
        FROM (SELECT unnest($1::text[]) AS key, unnest($2::bigint[]) AS epoch, unnest($3::bigint[]) AS expires_at) renewal
        WHERE upload.key = renewal.key AND state = 'open' AND upload.epoch = renewal.epoch
        """,
        [
          list(renewals.map(\.key.text)), list(renewals.map(\.epoch)), list(renewals.map(\.expiresAt.milliseconds)),
        ])
    }

    /// Gives whose upload it was.
    static func complete(_ completion: Completion) -> Command {
      Command(
        """
        UPDATE upload SET state = 'done', committed = $1, granted = 0, digest = coalesce($2, digest), finished_at = $3,
          holder = '', wanted_by = NULL
        WHERE key = $4 AND state = 'open' AND epoch = $5 AND committed <= $1 AND granted >= $1
          AND (total IS NULL OR total = $1) AND coalesce(role, '') <> 'part'
        RETURNING route, subject
        """,
        [
          completion.size, completion.digest?.bytes, completion.at.milliseconds, completion.key.text, completion.epoch,
        ])
    }

    /// Gives whose upload it was.
    static func fail(_ key: UploadKey, epoch: Int64, expiresAt: WallTime) -> Command {
      Command(
        """
        UPDATE upload SET state = 'failed', granted = 0, holder = '', wanted_by = NULL, expires_at = $1
        WHERE key = $2 AND state = 'open' AND epoch = $3
        RETURNING route, subject
        """, [expiresAt.milliseconds, key.text, epoch])
    }

    /// Gives whose upload it was, and its state.
    static func delete(_ key: UploadKey, epoch: Int64) -> Command {
      // RETURNING tells of the row as it was.
      Command(
        "DELETE FROM upload WHERE key = $1 AND state <> 'done' AND epoch = $2 RETURNING route, subject, state",
        [key.text, epoch])
    }

    /// Gives whose upload it was.
    static func deleteDone(_ key: UploadKey) -> Command {
      Command("DELETE FROM upload WHERE key = $1 AND state = 'done' RETURNING route, subject", [key.text])
    }

    /// Gives whose upload it was.
    static func retract(_ key: UploadKey, expiresAt: WallTime) -> Command {
      Command(
        "UPDATE upload SET state = 'failed', expires_at = $1 WHERE key = $2 AND state = 'done' RETURNING route, subject",
        [expiresAt.milliseconds, key.text])
    }

    static func complete(_ wanted: CompleteUploads) -> Command {
      Command(
        UploadColumn.selection + """
           WHERE state = 'done' AND route = $1 AND file = $2 AND finished_at < $3 AND (finished_at, key) > ($4, $5)
          ORDER BY finished_at, key LIMIT $6
          """,
        [
          wanted.route, wanted.file.rawValue, wanted.before.milliseconds, wanted.after?.finishedAt.milliseconds ?? .min,
          wanted.after?.key.text ?? "", Int64(wanted.limit),
        ])
    }

    /// Gives the upload's route.
    static func depart(_ key: UploadKey, _ file: UploadRecord.FileState) -> Command {
      Command(
        """
        UPDATE upload SET file = $1 WHERE key = $2 AND state = 'done' AND file <> $1 AND file <> 'gone'
          AND ($1 <> 'leaving' OR NOT EXISTS (SELECT 1 FROM event WHERE event.key = upload.key AND dead_at IS NULL))
        RETURNING route
        """, [file.rawValue, key.text])
    }

    static func prune(_ old: CompleteUploads) -> Command {
      Command(
        """
        DELETE FROM upload WHERE key IN (
          SELECT key FROM upload WHERE state = 'done' AND route = $1 AND file = $2 AND finished_at < $3
          ORDER BY finished_at LIMIT $4)
        """, [old.route, old.file.rawValue, old.before.milliseconds, Int64(old.limit)])
    }

    static func unfinished(of holder: String) -> Command {
      Command(
        UploadColumn.selection + " WHERE state <> $1 AND \(isFree) ORDER BY route, created_at, key",
        [UploadRecord.State.done.rawValue, holder])
    }

    static func expired(at time: WallTime, of holder: String) -> Command {
      Command(
        UploadColumn.selection
          + " WHERE state <> 'done' AND expires_at <= $1 AND \(isFree) ORDER BY route, created_at, key",
        [time.milliseconds, holder])
    }
  }
#endif
