import GatewayCore

/// The rows of a list of uploads, one after another, by an index that has them in their order: the first comes as soon from
/// ten million as from ten.
struct UploadRows {
  private let statement: Statement

  /// `nil` where the list goes on behind an upload that is not there.
  init?(_ list: UploadList, in database: Database) throws(LedgerError) {
    var place: UploadListQuery.Place?
    if let after = list.after {
      place = try Self.place(of: after, in: database)
      if place == nil { return nil }
    }
    guard let query = UploadListQuery(list, after: place, in: .sqlite) else { return nil }
    statement = try Statement(query.sql, in: database)
    for (index, value) in query.values.enumerated() {
      switch value {
      case .text(let text): statement.bind(Int32(index + 1), text)
      case .number(let number): statement.bind(Int32(index + 1), number)
      }
    }
  }

  private static func place(
    of key: UploadKey, in database: Database
  ) throws(LedgerError) -> UploadListQuery.Place? {
    let find = try Statement("SELECT route, created_at FROM upload WHERE key = $1", in: database)
    find.bind(1, key.text)
    defer { find.reset() }
    return try find.step() ? .init(route: find.text(0), createdAt: find.integer(1), key: key) : nil
  }

  /// The next one; `nil` behind the last.
  func next() throws(LedgerError) -> UploadRecord? {
    try statement.step() ? try UploadRecord(row: statement) : nil
  }
}
