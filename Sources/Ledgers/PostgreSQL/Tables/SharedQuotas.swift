#if PostgreSQL
  import GatewayCore

  /// What is asked about quotas, about which part of which upload is reserved in which of them (see ``QuotaTable``), and about
  /// how many uploads are open.
  ///
  /// Every list of commands here takes rows in one order, so that two transactions never wait for each other: an upload's own
  /// come before, then clients', and last the route's, for which most transactions wait.
  enum SharedQuotas {
    /// Part of an upload's bytes, in one quota.
    struct Extent {
      var subject: String
      var window: Int64
      var bytes: Range<Int64>

      init(_ row: Row) {
        subject = row.text(0)
        window = row.integer(1)
        bytes = row.integer(2)..<max(row.integer(2), row.integer(3))
      }
    }

    /// Two quotas of one route.
    private static func isBefore(_ one: (subject: String, window: Int64), _ other: (subject: String, window: Int64))
      -> Bool
    {
      if one.subject.isEmpty != other.subject.isEmpty { return other.subject.isEmpty }
      if one.subject != other.subject { return one.subject < other.subject }
      // The quota without a window is every upload's.
      return one.window > other.window
    }

    // MARK: Reading

    static func extents(of key: UploadKey) -> Command {
      Command("SELECT subject, win, low, high FROM upload_quota WHERE key = $1", [key.text])
    }

    /// What is taken of each of `caps`, in their order; a row each, or none where nothing is.
    static func taken(route: String, caps: [QuotaCap]) -> [Command] {
      caps.map { cap in
        Command(
          "SELECT used, reserved FROM quota WHERE route = $1 AND subject = $2 AND win = $3",
          [route, cap.subject, cap.window])
      }
    }

    /// How many uploads of the route are open, and how many of the client's; a row each, or none where none is.
    static func counts(route: String, subject: String) -> [Command] {
      ["", subject].map { Command("SELECT open FROM tally WHERE route = $1 AND subject = $2", [route, $0]) }
    }

    // MARK: Reserving

    /// Reserves `range` of the upload's bytes in each of `caps`, and fails by a CHECK where one does not leave them.
    ///
    /// - Parameter extents: those that the upload has.
    static func reserve(
      _ range: Range<Int64>, of key: UploadKey, route: String, caps: [QuotaCap], besides extents: [Extent] = []
    ) -> [Command] {
      guard !range.isEmpty else { return [] }
      var seen: [QuotaCap] = []
      for cap in caps where !seen.contains(where: { $0.subject == cap.subject && $0.window == cap.window }) {
        // A quota that is named twice, with whatever caps, still holds each byte once.
        seen.append(cap)
      }
      seen.sort { isBefore(($0.subject, $0.window), ($1.subject, $1.window)) }
      let notes = seen.map { cap -> Command in
        let isExtended = extents.contains {
          $0.subject == cap.subject && $0.window == cap.window && $0.bytes.upperBound == range.lowerBound
        }
        guard isExtended else {
          return Command(
            "INSERT INTO upload_quota (key, subject, win, low, high) VALUES ($1, $2, $3, $4, $5)",
            [key.text, cap.subject, cap.window, range.lowerBound, range.upperBound])
        }
        return Command(
          "UPDATE upload_quota SET high = $1 WHERE key = $2 AND subject = $3 AND win = $4 AND high = $5",
          [range.upperBound, key.text, cap.subject, cap.window, range.lowerBound])
      }
      return notes
        + seen.map { cap in
          // The cap follows the caller's. One that was lowered below what is taken leaves nothing to reserve.
          Command(
            """
            INSERT INTO quota (route, subject, win, reserved, cap) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (route, subject, win) DO UPDATE SET
              reserved = quota.reserved + excluded.reserved, cap = excluded.cap
            """, [route, cap.subject, cap.window, range.upperBound - range.lowerBound, cap.cap])
        }
    }

    /// One more upload of the client and of the route is open; fails by the CHECK `tally_most` above a limit.
    static func countIn(_ reservation: Reservation) -> [Command] {
      let (route, subject) = (reservation.facts.route, reservation.facts.subject)
      let limits = [(subject, reservation.clientUnfinishedLimit), ("", reservation.unfinishedLimit)]
      return (subject.isEmpty ? [limits[1]] : limits).map { subject, limit in
        Command(
          """
          INSERT INTO tally (route, subject, open, most) VALUES ($1, $2, 1, $3)
          ON CONFLICT (route, subject) DO UPDATE SET open = tally.open + 1, most = excluded.most
          """, [route, subject, Int64(clamping: limit)])
      }
    }

    // MARK: Ending

    /// One upload less is open.
    static func countOut(route: String, subject: String) -> [Command] {
      let out = "UPDATE tally SET open = open - 1 WHERE route = $1 AND subject = $2"
      let forget = Command(
        "DELETE FROM tally WHERE route = $1 AND subject = $2 AND open = 0", [route, subject])
      return (subject.isEmpty ? [] : [Command(out, [route, subject]), forget]) + [Command(out, [route, ""])]
    }

    /// Ends all reservations: in the quotas without a window the first `charged` bytes are used, in those of a window the
    /// first `size`; the others are given back.
    static func end(_ extents: [Extent], route: String, size: Int64 = 0, charged: Int64 = 0) -> [Command] {
      move(extents, route: route) { extent in
        let end = min(max(extent.window == 0 ? charged : size, extent.bytes.lowerBound), extent.bytes.upperBound)
        return (-Int64(extent.bytes.count), end - extent.bytes.lowerBound)
      }
    }

    /// Of a complete upload that is there no more: what was used for it is free again.
    static func forget(_ extents: [Extent], route: String) -> [Command] {
      move(extents, route: route) { (0, -Int64($0.bytes.count)) }
    }

    /// Gives back what is reserved behind `end`.
    static func cut(_ extents: [Extent], route: String, to end: Int64) -> [Command] {
      move(extents, route: route) { extent in
        (-(extent.bytes.upperBound - min(max(end, extent.bytes.lowerBound), extent.bytes.upperBound)), 0)
      }
    }

    private static func move(
      _ extents: [Extent], route: String, _ change: (Extent) -> (reserved: Int64, used: Int64)
    ) -> [Command] {
      struct Name: Hashable {
        var subject: String
        var window: Int64
      }
      var sums: [Name: (reserved: Int64, used: Int64)] = [:]
      for extent in extents {
        let change = change(extent)
        let name = Name(subject: extent.subject, window: extent.window)
        let sum = sums[name] ?? (0, 0)
        sums[name] = (sum.reserved + change.reserved, sum.used + change.used)
      }
      let moved = sums.filter { $0.value != (0, 0) }.sorted {
        isBefore(($0.key.subject, $0.key.window), ($1.key.subject, $1.key.window))
      }
      return moved.flatMap { name, sum -> [Command] in
        let move = Command(
          """
          UPDATE quota SET reserved = reserved + $1, used = used + $2 WHERE route = $3 AND subject = $4 AND win = $5
          """, [sum.reserved, sum.used, route, name.subject, name.window])
        if name.subject.isEmpty, name.window == 0 { return [move] }
        // Clients come and go; a row that says nothing would stay for each address there ever was.
        let forget = Command(
          "DELETE FROM quota WHERE route = $1 AND subject = $2 AND win = $3 AND used = 0 AND reserved = 0",
          [route, name.subject, name.window])
        return [move, forget]
      }
    }

    // MARK: Extents

    static func deleteExtents(of key: UploadKey) -> Command {
      Command("DELETE FROM upload_quota WHERE key = $1", [key.text])
    }

    static func deleteWindowExtents(of key: UploadKey) -> Command {
      Command("DELETE FROM upload_quota WHERE key = $1 AND win <> 0", [key.text])
    }

    static func cutExtents(of key: UploadKey, to end: Int64) -> [Command] {
      [
        Command("DELETE FROM upload_quota WHERE low >= $1 AND key = $2", [end, key.text]),
        Command("UPDATE upload_quota SET high = $1 WHERE key = $2 AND high > $1", [end, key.text]),
      ]
    }

    static func dropWindows(before start: WallTime) -> Command {
      Command("DELETE FROM quota WHERE win <> 0 AND win < $1 AND reserved = 0", [start.milliseconds])
    }
  }

  /// What caps leave.
  struct QuotaRoom {
    private var rooms: [(cap: QuotaCap, left: Int64)] = []

    /// - Parameter taken: what ``SharedQuotas/taken(route:caps:)`` came to.
    init(_ caps: [QuotaCap], _ taken: some Collection<Rows>) {
      for (cap, rows) in zip(caps, taken) {
        var sum: Int64 = 0
        if let row = rows.first {
          let (both, isOver) = row.integer(0).addingReportingOverflow(row.integer(1))
          sum = isOver ? .max : both
        }
        rooms.append((cap, sum < cap.cap ? cap.cap - max(0, sum) : 0))
      }
    }

    /// The most that every one of them leaves; without any, everything.
    var available: Int64 { rooms.map(\.left).min() ?? .max }

    /// Those that leave less than `bytes`, if a later window of each may leave them; else nothing.
    func endingShortages(of bytes: Int64) -> [QuotaCap] {
      let short = rooms.filter { $0.left < bytes }.map(\.cap)
      return short.allSatisfy { $0.window != 0 && $0.cap >= bytes } ? short : []
    }
  }
#endif
