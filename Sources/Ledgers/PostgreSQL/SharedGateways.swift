#if PostgreSQL
  package import GatewayCore
  package import NIOCore

  // A row of `gateway` is a lease on all uploads of its holder.
  extension PostgreSQLLedger: SharedLeases {
    /// See ``/GatewayCore/SharedLeases``.
    package func prolong(
      of holder: String, for milliseconds: Int64, on eventLoop: any EventLoop
    ) -> EventLoopFuture<LeaseProlongation> {
      ask(
        Command(
          """
          UPDATE gateway SET lease_until = \(DatabaseClock.now) + $2
          WHERE holder = $1 AND lease_until > \(DatabaseClock.now) RETURNING \(DatabaseClock.now)
          """, [holder, milliseconds]), on: eventLoop)
    }

    /// See ``/GatewayCore/SharedLeases``. Those that ended a day ago are forgotten.
    package func begin(
      of holder: String, for milliseconds: Int64, on eventLoop: any EventLoop
    ) -> EventLoopFuture<LeaseProlongation> {
      let forget = Command("DELETE FROM gateway WHERE lease_until < \(DatabaseClock.now) - 86400000")
      let begin = Command(
        """
        INSERT INTO gateway (holder, since, lease_until) VALUES ($1, \(DatabaseClock.now), \(DatabaseClock.now) + $2)
        ON CONFLICT (holder) DO UPDATE SET lease_until = excluded.lease_until RETURNING \(DatabaseClock.now)
        """, [holder, milliseconds])
      // That one is over, as this one has its lock.
      let earlier = Command("DELETE FROM gateway WHERE holder = $1", [holders.earlier])
      return submitLease(on: eventLoop) { (session) throws(DatabaseFailure) in
        for command in [forget, earlier] { _ = try session.one(command) }
        return LeaseProlongation(try session.one(begin))
      }
    }

    /// See ``/GatewayCore/SharedLeases``.
    package func end(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
      submitLease(on: eventLoop) { (session) throws(DatabaseFailure) in
        _ = try session.one(Command("DELETE FROM gateway WHERE holder = $1", [holder]))
      }
    }

    /// See ``/GatewayCore/SharedLeases``.
    package func wanted(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[WantedUpload]> {
      let asked = Command(
        "SELECT key, epoch, route FROM upload WHERE holder = $1 AND wanted_by IS NOT NULL AND state = 'open'", [holder])
      return submitLease(on: eventLoop) { (session) throws(DatabaseFailure) in
        try session.one(asked).map { ($0.text(0), $0.integer(1), $0.text(2)) }.compactMap { key, epoch, route in
          UploadKey(key).map { WantedUpload(key: $0, epoch: epoch, route: route) }
        }
      }
    }

    /// See ``/GatewayCore/SharedLeases``.
    package func letGo(
      of upload: WantedUpload, by holder: String, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Void> {
      let change = Command(
        "UPDATE upload SET holder = '' WHERE key = $1 AND epoch = $2 AND holder = $3 AND state = 'open'",
        [upload.key.text, upload.epoch, holder])
      return submit(on: eventLoop, about: upload.key, .brief) { (session) throws(DatabaseFailure) in
        _ = try session.one(change)
      }
    }

    private func ask(_ command: Command, on eventLoop: any EventLoop) -> EventLoopFuture<LeaseProlongation> {
      submitLease(on: eventLoop) { (session) throws(DatabaseFailure) in
        LeaseProlongation(try session.one(command))
      }
    }
  }

  extension LeaseProlongation {
    fileprivate init(_ rows: Rows) {
      self.init(isHeld: rows.count == 1, now: WallTime(milliseconds: rows.first?.integer(0) ?? 0))
    }
  }
#endif
