import GatewayCore

/// The quotas, and which part of which upload is reserved in which of them.
///
/// An upload's bytes are reserved in extents `[low, high)` of its stream: those of its offer in the quotas of the offer,
/// those that a claim adds in the quotas of the claim, which may be others (another address, another window). Giving
/// back and settling go by the extents, so every byte ends in the quota that it was reserved in.
struct QuotaTable {
  private let read: Statement
  private let reserve: Statement
  private let settle: Statement
  private let forget: Statement
  private let list: Statement
  private let extend: Statement
  private let insertExtent: Statement
  private let extents: Statement
  private let deleteExtents: Statement

  init(_ database: Database) throws(LedgerError) {
    read = try Statement(
      "SELECT used, reserved FROM quota WHERE route = $1 AND subject = $2 AND win = $3", in: database)
    // The cap follows the caller's with each reservation. A cap that was lowered below what is taken leaves nothing to
    // reserve, so it never gets here, and what is taken can still be settled and given back under the older one.
    reserve = try Statement(
      """
      INSERT INTO quota (route, subject, win, reserved, cap) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (route, subject, win) DO UPDATE SET
        reserved = quota.reserved + excluded.reserved, cap = excluded.cap
      """, in: database)
    settle = try Statement(
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
  }

  /// The most that every one of `caps` leaves; without any, everything.
  func available(route: String, caps: [QuotaCap]) throws(LedgerError) -> Int64 {
    var available = Int64.max
    for cap in caps {
      read.bind(1, route)
      read.bind(2, cap.subject)
      read.bind(3, cap.window)
      defer { read.reset() }
      var taken: Int64 = 0
      if try read.step() {
        let (sum, overflow) = read.integer(0).addingReportingOverflow(read.integer(1))
        taken = overflow ? .max : sum
      }
      available = min(available, taken < cap.cap ? cap.cap - max(0, taken) : 0)
    }
    return available
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
      extend.bind(1, range.upperBound)
      extend.bind(2, key.text)
      extend.bind(3, cap.subject)
      extend.bind(4, cap.window)
      extend.bind(5, range.lowerBound)
      if try extend.run() > 0 { continue }
      insertExtent.bind(1, key.text)
      insertExtent.bind(2, cap.subject)
      insertExtent.bind(3, cap.window)
      insertExtent.bind(4, range.lowerBound)
      insertExtent.bind(5, range.upperBound)
      try insertExtent.run()
    }
  }

  /// Ends all reservations of the upload: its first `size` bytes are used, the others are given back.
  func settle(_ key: UploadKey, route: String, size: Int64) throws(LedgerError) {
    extents.bind(1, key.text)
    defer { extents.reset() }
    while try extents.step() {
      let subject = extents.text(0)
      let window = extents.integer(1)
      let low = extents.integer(2)
      let high = extents.integer(3)
      settle.bind(1, high - low)
      settle.bind(2, min(max(size, low), high) - low)
      settle.bind(3, route)
      settle.bind(4, subject)
      settle.bind(5, window)
      guard try settle.run() == 1 else {
        throw .engine("the ledger is damaged: no quota \(subject) of \(route) for an upload that is reserved in it")
      }
      // Clients come and go; a row that says nothing would stay for each address there ever was.
      if subject.isEmpty { continue }
      forget.bind(1, route)
      forget.bind(2, subject)
      forget.bind(3, window)
      try forget.run()
    }
    deleteExtents.bind(1, key.text)
    try deleteExtents.run()
  }

  /// All of them, ordered by route and subject.
  func all() throws(LedgerError) -> [QuotaRecord] {
    defer { list.reset() }
    var records: [QuotaRecord] = []
    while try list.step() { records.append(QuotaRecord(row: list)) }
    return records
  }
}
