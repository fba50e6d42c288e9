import GatewayCore

extension QuotaRecord {
  /// All quotas, in the order of ``/GatewayCore/Ledger/quotas(on:)``, with the columns that ``init(row:)`` reads.
  static let selection = "SELECT route, subject, win, reserved, used, cap FROM quota ORDER BY route, subject, win"
  /// The same columns of one: that of a route itself, for ever.
  static let ofRoute =
    "SELECT route, subject, win, reserved, used, cap FROM quota WHERE route = $1 AND subject = '' AND win = 0"

  init(row: some StoredRow) {
    self.init(
      route: row.text(0), subject: row.text(1), window: row.integer(2), reserved: row.integer(3),
      used: row.integer(4), cap: row.integer(5))
  }
}
