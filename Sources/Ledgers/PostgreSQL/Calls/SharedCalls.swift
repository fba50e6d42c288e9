#if PostgreSQL
  import GatewayCore

  /// The ledger's calls, each a transaction of its own on a connection that it has for itself. What fails in the middle is
  /// taken back by whoever has the connection.
  ///
  /// The way to the server and back is what costs, so each has as few of them as it can: one that asks and decides, and one
  /// that changes and commits.
  enum SharedCalls {
    // MARK: Beginning

    static func open(_ reservation: Reservation, in session: DatabaseSession) throws(DatabaseFailure) -> Lease {
      let facts = reservation.facts
      guard reservation.wanted >= 0, facts.total ?? 0 >= 0 else {
        throw .refused(.engine("a reservation of \(reservation.wanted) bytes of \(facts.total ?? 0) makes no sense"))
      }
      let wanted = min(reservation.wanted, facts.total ?? .max)
      if session.isRepeated, let lease = try openedBefore(reservation, in: session) { return lease }
      do throws(DatabaseFailure) {
        // Mostly there is room for all of it, and nobody has to ask first.
        return try open(reservation, granted: wanted, in: session)
      } catch {
        guard case .check = error else { throw error }
      }
      for _ in 1...10 {
        let granted = try judge(reservation, wanted: wanted, in: session)
        do throws(DatabaseFailure) {
          return try open(reservation, granted: granted, in: session)
        } catch {
          // What was left was taken by another since it was asked for.
          guard case .check = error else { throw error }
        }
      }
      throw .again("others took what the quotas left")
    }

    private static func open(
      _ reservation: Reservation, granted: Int64, in session: DatabaseSession
    ) throws(DatabaseFailure) -> Lease {
      let facts = reservation.facts
      let commands =
        [.begin, try SharedUploads.insert(reservation, granted: granted)]
        + SharedQuotas.countIn(reservation)
        + SharedQuotas.reserve(0..<granted, of: facts.key, route: facts.route, caps: reservation.quotas)
        + SharedEvents.insert(reservation.events) + [.commit]
      do throws(DatabaseFailure) {
        try session.exchange(commands)
      } catch {
        if case .check = error { _ = try session.rollBack() }
        throw error
      }
      return Lease(facts: facts, epoch: 1, committed: 0, granted: granted, storeState: reservation.storeState)
    }

    /// What may be granted.
    private static func judge(
      _ reservation: Reservation, wanted: Int64, in session: DatabaseSession
    ) throws(DatabaseFailure) -> Int64 {
      let facts = reservation.facts
      let rows = try session.exchange(
        SharedQuotas.counts(route: facts.route, subject: facts.subject)
          + SharedQuotas.taken(route: facts.route, caps: reservation.quotas))
      let counts = rows.prefix(2).map { $0.first?.integer(0) ?? 0 }
      guard counts[0] < Int64(clamping: reservation.unfinishedLimit),
        counts[1] < Int64(clamping: reservation.clientUnfinishedLimit)
      else { throw .refused(.crowded) }
      let room = QuotaRoom(reservation.quotas, rows.dropFirst(2))
      let granted = min(wanted, room.available)
      guard granted == wanted || (reservation.takesPart && granted > 0) else {
        let isEnough = reservation.takesPart ? min(1, wanted) : wanted
        throw .refused(.quota(available: room.available, windows: room.endingShortages(of: isEnough)))
      }
      return granted
    }

    /// The answer that was lost, where the same was committed before.
    private static func openedBefore(
      _ reservation: Reservation, in session: DatabaseSession
    ) throws(DatabaseFailure) -> Lease? {
      let asked = Command(
        "SELECT granted FROM upload WHERE key = $1 AND state = 'open' AND epoch = 1 AND holder = $2",
        [reservation.facts.key.text, reservation.holder])
      return try session.one(asked).first.map { row in
        Lease(
          facts: reservation.facts, epoch: 1, committed: 0, granted: row.integer(0), storeState: reservation.storeState)
      }
    }

    static func find(
      _ key: UploadKey, by statement: Command, in session: DatabaseSession
    ) throws(DatabaseFailure) -> UploadRecord? {
      try record(try session.rows(of: statement).first)
    }

    static func records(_ command: Command, in session: DatabaseSession) throws(DatabaseFailure) -> [UploadRecord] {
      try session.one(command).map { (row) throws(DatabaseFailure) in
        do throws(LedgerError) { return try UploadRecord(row: row) } catch { throw .refused(error) }
      }
    }

    private static func record(_ row: Row?) throws(DatabaseFailure) -> UploadRecord? {
      guard let row else { return nil }
      do throws(LedgerError) { return try UploadRecord(row: row) } catch { throw .refused(error) }
    }

    // MARK: Going on

    static func takeOver(_ request: LeaseRequest, in session: DatabaseSession) throws(DatabaseFailure) -> Lease {
      var attempts = 0
      while true {
        do throws(DatabaseFailure) {
          return try takeOverOnce(request, in: session)
        } catch {
          // What was left was taken by another since it was asked for.
          guard case .check = error, attempts < 10 else { throw error }
          attempts += 1
          _ = try session.rollBack()
        }
      }
    }

    private static func takeOverOnce(
      _ request: LeaseRequest, in session: DatabaseSession
    ) throws(DatabaseFailure) -> Lease {
      // The claim holds the upload's row, so that nothing of it changes until the commit.
      let found = try session.exchange([.begin, SharedUploads.claim(request), SharedQuotas.extents(of: request.key)])
      guard let upload = try record(found[1].first) else { throw try whyNotFree(request, in: session) }
      let extents = found[2].map(SharedQuotas.Extent.init)
      var facts = upload.facts
      facts.digest = facts.digest ?? request.digest
      facts.total = facts.total ?? request.lateTotal
      guard upload.committed <= facts.total ?? .max else { throw .refused(.fenced) }
      // What was granted beyond a total that is only now known is given back.
      let kept = min(upload.granted, facts.total ?? .max)
      let missing = max(0, min(request.wanted, facts.total ?? .max) - kept)
      var granted = kept
      var windows: [QuotaCap] = []
      if missing > 0 {
        let taken = try session.exchange(SharedQuotas.taken(route: facts.route, caps: request.quotas))
        let room = QuotaRoom(request.quotas, taken)
        granted += min(missing, room.available)
        if granted == kept { windows = room.endingShortages(of: 1) }
      }
      var commands = [SharedUploads.grant(request, facts, epoch: upload.epoch, granted: granted)]
      if kept < upload.granted {
        commands += SharedQuotas.cutExtents(of: facts.key, to: kept)
        commands += SharedQuotas.cut(extents, route: facts.route, to: kept)
      }
      commands += SharedQuotas.reserve(
        kept..<granted, of: facts.key, route: facts.route, caps: request.quotas, besides: extents)
      try session.exchange(commands + [.commit])
      return Lease(
        facts: facts, epoch: upload.epoch, committed: upload.committed, granted: granted, shortWindows: windows,
        storeState: upload.storeState)
    }

    /// Somebody has it, who hears that it is wanted; or there is nothing to be had.
    private static func whyNotFree(
      _ request: LeaseRequest, in session: DatabaseSession
    ) throws(DatabaseFailure) -> DatabaseFailure {
      let rows = try session.rollBack(then: [SharedUploads.want(request), state(of: request.key)])
      if let holder = rows[0].first { return .refused(.held(by: GatewayHolder.name(of: holder.text(0)))) }
      guard rows[1].first?.text(0) == UploadRecord.State.open.rawValue else { return .refused(.unknown) }
      return .again("the upload became free just now")
    }

    static func extend(_ asked: GrantExtension, in session: DatabaseSession) throws(DatabaseFailure) -> Int64 {
      for attempt in 0...10 {
        do throws(DatabaseFailure) {
          // Mostly there is room for all of it, and nobody has to ask first.
          return try extend(asked, askingFirst: attempt > 0, in: session)
        } catch {
          // What was left was taken by another since it was asked for.
          guard case .check = error else { throw error }
          _ = try session.rollBack()
        }
      }
      throw .again("others took what the quotas left")
    }

    private static func extend(
      _ asked: GrantExtension, askingFirst: Bool, in session: DatabaseSession
    ) throws(DatabaseFailure) -> Int64 {
      let found = try session.exchange([.begin, SharedUploads.look(asked), SharedQuotas.extents(of: asked.key)])
      guard let upload = found[1].first else {
        let row = try session.rollBack(then: [state(of: asked.key)])[0].first
        throw .refused(row?.text(0) == UploadRecord.State.open.rawValue ? .fenced : .unknown)
      }
      let (route, granted) = (upload.text(0), upload.integer(1))
      var missing = min(asked.end, upload.optionalInteger(2) ?? .max) - granted
      guard missing > 0 else {
        _ = try session.rollBack()
        return granted
      }
      if askingFirst {
        let taken = try session.exchange(SharedQuotas.taken(route: route, caps: asked.quotas))
        let room = QuotaRoom(asked.quotas, taken)
        guard room.available > 0 else {
          throw .refused(.quota(available: 0, windows: room.endingShortages(of: 1)))
        }
        missing = min(missing, room.available)
      }
      let reserved = SharedQuotas.reserve(
        granted..<granted + missing, of: asked.key, route: route, caps: asked.quotas,
        besides: found[2].map(SharedQuotas.Extent.init))
      try session.exchange([SharedUploads.extend(asked, to: granted + missing)] + reserved + [.commit])
      return granted + missing
    }

    static func advance(
      _ step: Advance, by statement: Command, in session: DatabaseSession
    ) throws(DatabaseFailure) {
      guard step.to >= step.from else { throw try fencedOrUnknown(step.key, in: session) }
      if try session.rows(of: statement).affected == 1 { return }
      if session.isRepeated, try wasAdvanced(step, in: session) { return }
      throw try fencedOrUnknown(step.key, in: session)
    }

    /// Whether the same was committed before, and only its answer lost.
    private static func wasAdvanced(_ step: Advance, in session: DatabaseSession) throws(DatabaseFailure) -> Bool {
      let asked = Command(
        "SELECT 1 FROM upload WHERE key = $1 AND state = 'open' AND epoch = $2 AND committed = $3",
        [step.key.text, step.epoch, step.to])
      return try session.one(asked).count == 1
    }

    // MARK: Ending

    static func complete(_ completion: Completion, in session: DatabaseSession) throws(DatabaseFailure) {
      let (key, size) = (completion.key, completion.size)
      let found = try session.exchange([.begin, SharedUploads.complete(completion), SharedQuotas.extents(of: key)])
      guard let upload = found[1].first else {
        let done = Command("SELECT state, epoch, committed FROM upload WHERE key = $1", [key.text])
        let row = try session.rollBack(then: [done])[0].first
        switch row?.text(0) {
        case UploadRecord.State.open.rawValue: throw .refused(.fenced)
        // The same call may have been committed before, and only its answer was lost.
        case UploadRecord.State.done.rawValue where row?.integer(1) == completion.epoch && row?.integer(2) == size:
          return
        default: throw .refused(.unknown)
        }
      }
      let (route, subject) = (upload.text(0), upload.text(1))
      let extents = found[2].map(SharedQuotas.Extent.init)
      let charged = min(max(0, completion.charged), size)
      var commands: [Command] = []
      if extents.contains(where: { $0.window != 0 }) { commands.append(SharedQuotas.deleteWindowExtents(of: key)) }
      if extents.contains(where: { $0.bytes.upperBound > charged }) {
        commands += SharedQuotas.cutExtents(of: key, to: charged)
      }
      commands += ended(extents, route: route, subject: subject, size: size, charged: charged)
      commands += SharedEvents.insert(completion.events)
      try session.exchange(commands + [.commit])
    }

    static func fail(
      _ key: UploadKey, epoch: Int64, expiresAt: WallTime, events: [Event], in session: DatabaseSession
    ) throws(DatabaseFailure) {
      let change = SharedUploads.fail(key, epoch: epoch, expiresAt: expiresAt)
      let found = try session.exchange([.begin, change, SharedQuotas.extents(of: key)])
      guard let upload = found[1].first else {
        let asked = Command("SELECT state, epoch FROM upload WHERE key = $1", [key.text])
        let row = try session.rollBack(then: [asked])[0].first
        switch row?.text(0) {
        case UploadRecord.State.failed.rawValue where row?.integer(1) == epoch: return
        case UploadRecord.State.failed.rawValue, UploadRecord.State.open.rawValue: throw .refused(.fenced)
        default: throw .refused(.unknown)
        }
      }
      let extents = found[2].map(SharedQuotas.Extent.init)
      try session.exchange(
        [SharedQuotas.deleteExtents(of: key)] + ended(extents, route: upload.text(0), subject: upload.text(1))
          + SharedEvents.insert(events) + [.commit])
    }

    static func release(
      _ key: UploadKey, epoch: Int64, events: [Event], in session: DatabaseSession
    ) throws(DatabaseFailure) {
      let found = try session.exchange(
        [.begin, SharedUploads.delete(key, epoch: epoch), SharedQuotas.extents(of: key)])
      guard let upload = found[1].first else {
        switch try session.rollBack(then: [state(of: key)])[0].first?.text(0) {
        case nil: return
        case UploadRecord.State.done.rawValue: throw .refused(.unknown)
        default: throw .refused(.fenced)
        }
      }
      let extents = found[2].map(SharedQuotas.Extent.init)
      let (route, subject) = (upload.text(0), upload.text(1))
      let isOpen = upload.text(2) == UploadRecord.State.open.rawValue
      let quotas =
        isOpen ? ended(extents, route: route, subject: subject) : SharedQuotas.end(extents, route: route)
      try session.exchange(
        [SharedQuotas.deleteExtents(of: key)] + quotas + SharedEvents.insert(isOpen ? events : []) + [.commit])
    }

    /// - Parameter end: makes the upload's row that of one that is not complete.
    static func giveBack(
      _ key: UploadKey, by end: Command, events: [Event] = [], in session: DatabaseSession
    ) throws(DatabaseFailure) {
      let found = try session.exchange([.begin, end, SharedQuotas.extents(of: key)])
      guard let upload = found[1].first else {
        let row = try session.rollBack(then: [state(of: key)])[0].first
        // The same call may have been committed before, and only its answer was lost.
        if session.isRepeated, row?.text(0) != UploadRecord.State.open.rawValue { return }
        throw .refused(.unknown)
      }
      let extents = found[2].map(SharedQuotas.Extent.init)
      try session.exchange(
        [SharedQuotas.deleteExtents(of: key)] + SharedQuotas.forget(extents, route: upload.text(0))
          + SharedEvents.insert(events) + [.commit])
    }

    static func depart(
      _ keys: [UploadKey], _ file: UploadRecord.FileState, in session: DatabaseSession
    ) throws(DatabaseFailure) -> [UploadKey] {
      var departed: [UploadKey] = []
      for key in keys {
        let found = try session.exchange([.begin, SharedUploads.depart(key, file), SharedQuotas.extents(of: key)])
        guard let upload = found[1].first else {
          _ = try session.rollBack()
          continue
        }
        let extents = found[2].map(SharedQuotas.Extent.init)
        try session.exchange(
          [SharedQuotas.deleteExtents(of: key)] + SharedQuotas.forget(extents, route: upload.text(0)) + [.commit])
        departed.append(key)
      }
      return departed
    }

    /// Client's rows before the route's, whose quota comes last.
    private static func ended(
      _ extents: [SharedQuotas.Extent], route: String, subject: String, size: Int64 = 0, charged: Int64 = 0
    ) -> [Command] {
      SharedQuotas.countOut(route: route, subject: subject)
        + SharedQuotas.end(extents, route: route, size: size, charged: charged)
    }

    // MARK: Why nothing was changed

    private static func state(of key: UploadKey) -> Command {
      Command("SELECT state FROM upload WHERE key = $1", [key.text])
    }

    private static func fencedOrUnknown(
      _ key: UploadKey, in session: DatabaseSession
    ) throws(DatabaseFailure) -> DatabaseFailure {
      let isOpen = try session.one(state(of: key)).first?.text(0) == UploadRecord.State.open.rawValue
      return .refused(isOpen ? .fenced : .unknown)
    }
  }
#endif
