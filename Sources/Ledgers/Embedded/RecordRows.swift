import GatewayCore

extension UploadRecord {
  /// The columns that ``init(row:)`` reads, in its order.
  static let selection = """
    SELECT key, route, owner, total, committed, granted, state, epoch, format, label, digest, created_at, expires_at,
      finished_at, subject, store_state
    FROM upload
    """

  init(row: Statement) throws(LedgerError) {
    guard let key = UploadKey(row.text(0)), let state = State(rawValue: row.text(6)) else {
      throw .engine("the ledger is damaged: an upload has no valid key or state")
    }
    var digest: ContentDigest?
    if let bytes = row.bytes(10) {
      digest = ContentDigest(bytes: bytes)
      if digest == nil { throw .engine("the ledger is damaged: the digest of upload \(key.logID) is not 32 bytes") }
    }
    self.init(
      key: key, route: row.text(1), owner: row.text(2), total: row.optionalInteger(3), committed: row.integer(4),
      granted: row.integer(5), state: state, epoch: row.integer(7), format: row.text(8), label: row.optionalText(9),
      digest: digest, createdAt: WallTime(milliseconds: row.integer(11)),
      expiresAt: WallTime(milliseconds: row.integer(12)),
      finishedAt: row.optionalInteger(13).map { WallTime(milliseconds: $0) }, subject: row.text(14),
      storeState: row.optionalText(15))
  }
}

extension QuotaRecord {
  /// All quotas, in the order of ``Ledger/quotas(on:)``, with the columns that ``init(row:)`` reads.
  static let selection = "SELECT route, subject, win, reserved, used, cap FROM quota ORDER BY route, subject, win"

  init(row: Statement) {
    self.init(
      route: row.text(0), subject: row.text(1), window: row.integer(2), reserved: row.integer(3),
      used: row.integer(4), cap: row.integer(5))
  }
}
