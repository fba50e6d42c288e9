import GatewayCore

/// The quotas, and which part of which upload is reserved in which of them.
///
/// An upload's bytes are reserved in extents `[low, high)` of its stream: those of its offer in the quotas of the offer,
/// those that a takeover adds in the quotas of the takeover, which may be others (another address, another window).
/// Giving back and completing go by the extents, so every byte ends in the quota that it was reserved in.
struct QuotaTable {
  private let read: Statement
  private let reserve: Statement
  private let move: Statement
  private let forget: Statement
  private let list: Statement
  private let extend: Statement
  private let insertExtent: Statement
  private let extents: Statement
  private let deleteExtents: Statement
  private let deleteWindowExtents: Statement
  private let cutBehind: Statement
  private let deleteBehind: Statement
  private let dropWindows: Statement

  init(_ database: Database) throws(LedgerError) {
    read = try Statement(
      "SELECT used, reserved FROM quota WHERE route = $1 AND subject = $2 AND win = $3", in: database)
    // The cap follows the caller's with each reservation. A cap that was lowered below what is taken leaves nothing to
    // reserve, so it never gets here, and what is taken can still be used and given back under the older one.
    reserve = try Statement(
      """
      INSERT INTO quota (route, subject, win, reserved, cap) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (route, subject, win) DO UPDATE SET
        reserved = quota.reserved + excluded.reserved, cap = excluded.cap
      """, in: database)
    move = try Statement(
      """
      UPDATE quota SET reserved = reserved - $1, used = used + $2
      WHERE route = $3 AND subject = $4 AND win = $5
      """, in: database)
    forget = try Statement(
      """
      DELETE FROM quota WHERE route = $1 AND subject = $2 AND win = $3 AND used = 0 AND reserved = 0
      """, in: database)
    list = try Statement(QuotaRecord.selection, in: database)
    extend = try Statement(
      "UPDATE upload_quota SET high = $1 WHERE key = $2 AND subject = $3 AND win = $4 AND high = $5", in: database)
    insertExtent = try Statement(
      "INSERT INTO upload_quota (key, subject, win, low, high) VALUES ($1, $2, $3, $4, $5)", in: database)
    extents = try Statement("SELECT subject, win, low, high FROM upload_quota WHERE key = $1", in: database)
    deleteExtents = try Statement("DELETE FROM upload_quota WHERE key = $1", in: database)
    deleteWindowExtents = try Statement("DELETE FROM upload_quota WHERE key = $1 AND win <> 0", in: database)
    deleteBehind = try Statement("DELETE FROM upload_quota WHERE low >= $1 AND key = $2", in: database)
    dropWindows = try Statement("DELETE FROM quota WHERE win <> 0 AND win < $1 AND reserved = 0", in: database)
    cutBehind = try Statement("UPDATE upload_quota SET high = $1 WHERE key = $2 AND high > $1", in: database)
  }

  /// The most that every one of `caps` leaves; without any, everything.
  func available(route: String, caps: [QuotaCap]) throws(LedgerError) -> Int64 {
    var available = Int64.max
    for cap in caps { available = min(available, try self.available(route: route, cap: cap)) }
    return available
  }

  private func available(route: String, cap: QuotaCap) throws(LedgerError) -> Int64 {
    read.bind(1, route)
    read.bind(2, cap.subject)
    read.bind(3, cap.window)
    defer { read.reset() }
    var taken: Int64 = 0
    if try read.step() {
      let (sum, overflow) = read.integer(0).addingReportingOverflow(read.integer(1))
      taken = overflow ? .max : sum
    }
    return taken < cap.cap ? cap.cap - max(0, taken) : 0
  }

  /// Those of `caps` that leave less than `bytes`, if a later window of each may leave them; else nothing.
  func endingShortages(of bytes: Int64, route: String, caps: [QuotaCap]) throws(LedgerError) -> [QuotaCap] {
    var shortages: [QuotaCap] = []
    for cap in caps where try available(route: route, cap: cap) < bytes {
      guard cap.window != 0, cap.cap >= bytes else { return [] }
      shortages.append(cap)
    }
    return shortages
  }

  /// Forgets windows that began before `start` and in which nothing is reserved.
  func dropWindows(before start: WallTime) throws(LedgerError) {
    dropWindows.bind(1, start.milliseconds)
    try dropWindows.run()
  }

  /// Reserves `range` of the upload's bytes, which ``available(route:caps:)`` allowed, in each of `caps`.
  func reserve(_ range: Range<Int64>, of key: UploadKey, route: String, caps: [QuotaCap]) throws(LedgerError) {
    guard !range.isEmpty else { return }
    for (index, cap) in caps.enumerated() {
      // A quota that is named twice, with whatever caps, still holds each byte once.
      let isRepeated = caps[..<index].contains { $0.subject == cap.subject && $0.window == cap.window }
      if isRepeated { continue }
      reserve.bind(1, route)
      reserve.bind(2, cap.subject)
      reserve.bind(3, cap.window)
      reserve.bind(4, range.upperBound - range.lowerBound)
      reserve.bind(5, cap.cap)
      try reserve.run()
      if range.lowerBound > 0 {
        extend.bind(1, range.upperBound)
        extend.bind(2, key.text)
        extend.bind(3, cap.subject)
        extend.bind(4, cap.window)
        extend.bind(5, range.lowerBound)
        if try extend.run() > 0 { continue }
      }
      insertExtent.bind(1, key.text)
      insertExtent.bind(2, cap.subject)
      insertExtent.bind(3, cap.window)
      insertExtent.bind(4, range.lowerBound)
      insertExtent.bind(5, range.upperBound)
      try insertExtent.run()
    }
  }

  /// Ends all reservations of a complete upload: in the quotas without a window its first `charged` bytes are used, in
  /// those of a window its first `size`; the others are given back. What is used for ever stays noted, for ``forget(_:route:)``.
  func complete(_ key: UploadKey, route: String, size: Int64, charged: Int64) throws(LedgerError) {
    var hasWindow = false
    var end: Int64 = 0
    try endReservations(key, route: route, size: size, charged: charged) { window, extent in
      hasWindow = hasWindow || window != 0
      end = max(end, extent.upperBound)
    }
    if hasWindow {
      deleteWindowExtents.bind(1, key.text)
      try deleteWindowExtents.run()
    }
    if end > charged { try cutExtents(of: key, to: charged) }
  }

  private func cutExtents(of key: UploadKey, to end: Int64) throws(LedgerError) {
    for statement in [deleteBehind, cutBehind] {
      statement.bind(1, end)
      statement.bind(2, key.text)
      try statement.run()
    }
  }

  /// Gives back what is reserved of an open upload behind `end`.
  func cut(_ key: UploadKey, route: String, to end: Int64) throws(LedgerError) {
    try forEachExtent(of: key) { (subject, window, extent) throws(LedgerError) in
      let excess = extent.upperBound - min(max(end, extent.lowerBound), extent.upperBound)
      if excess > 0 { try move(route: route, subject: subject, window: window, reserved: -excess, used: 0) }
    }
    try cutExtents(of: key, to: end)
  }

  /// Gives back all reservations of an upload that comes to nothing.
  func release(_ key: UploadKey, route: String) throws(LedgerError) {
    try endReservations(key, route: route, size: 0, charged: 0) { _, _ in }
    deleteExtents.bind(1, key.text)
    try deleteExtents.run()
  }

  /// A complete upload is there no more: what was used for it is free again.
  func forget(_ key: UploadKey, route: String) throws(LedgerError) {
    try forEachExtent(of: key) { (subject, window, extent) throws(LedgerError) in
      try move(route: route, subject: subject, window: window, reserved: 0, used: -Int64(extent.count))
    }
    deleteExtents.bind(1, key.text)
    try deleteExtents.run()
  }

  private func endReservations(
    _ key: UploadKey, route: String, size: Int64, charged: Int64, each: (_ window: Int64, Range<Int64>) -> Void
  ) throws(LedgerError) {
    try forEachExtent(of: key) { (subject, window, extent) throws(LedgerError) in
      each(window, extent)
      let end = min(max(window == 0 ? charged : size, extent.lowerBound), extent.upperBound)
      try move(
        route: route, subject: subject, window: window, reserved: -Int64(extent.count), used: end - extent.lowerBound)
    }
  }

  private func forEachExtent(
    of key: UploadKey, _ body: (String, Int64, Range<Int64>) throws(LedgerError) -> Void
  ) throws(LedgerError) {
    extents.bind(1, key.text)
    defer { extents.reset() }
    while try extents.step() {
      try body(extents.text(0), extents.integer(1), extents.integer(2)..<extents.integer(3))
    }
  }

  private func move(
    route: String, subject: String, window: Int64, reserved: Int64, used: Int64
  ) throws(LedgerError) {
    move.bind(1, -reserved)
    move.bind(2, used)
    move.bind(3, route)
    move.bind(4, subject)
    move.bind(5, window)
    guard try move.run() == 1 else {
      throw .engine("the ledger is damaged: no quota \(subject) of \(route) for an upload that counts in it")
    }
    // Clients come and go; a row that says nothing would stay for each address there ever was.
    if subject.isEmpty, window == 0 { return }
    forget.bind(1, route)
    forget.bind(2, subject)
    forget.bind(3, window)
    try forget.run()
  }

  /// All of them, ordered by route and subject.
  func all() throws(LedgerError) -> [QuotaRecord] {
    defer { list.reset() }
    var records: [QuotaRecord] = []
    while try list.step() { records.append(QuotaRecord(row: list)) }
    return records
  }
}
