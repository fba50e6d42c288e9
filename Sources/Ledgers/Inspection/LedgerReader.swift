package import GatewayCore

/// Looks into an ``EmbeddedLedger``'s file, also while a gateway in another process writes it. Changes nothing.
///
/// For one thread at a time. Every call blocks, and sees what was committed when it began.
package final class LedgerReader: LedgerInspection {
  private let database: Database
  private let listQuotas: Statement
  private let readQuota: Statement

  /// Opens the ledger at `path`. It needs the rights to write beside the file, for SQLite's shared memory.
  ///
  /// - Throws: ``LedgerOpenError``.
  package init(path: String) throws(LedgerOpenError) {
    database = try Database.openForReading(path: path, busyMilliseconds: 5000)
    do throws(LedgerError) {
      listQuotas = try Statement(QuotaRecord.selection, in: database)
      readQuota = try Statement(QuotaRecord.ofRoute, in: database)
    } catch {
      throw LedgerOpenError(wrapping: error, path: path)
    }
  }

  /// What the ledger is called in the marks of its stores.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func ledgerID() throws(LedgerError) -> String { try StoreTable.ledgerID(in: database) }

  /// The places that the ledger knows, ordered by route.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func stores() throws(LedgerError) -> [KnownStore] { try StoreTable.stores(in: database) }

  /// Each of these uploads, ordered by route and age, as long as `body` wants more.
  ///
  /// - Parameter body: whether to go on.
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func forEach(
    of list: UploadList, _ body: (UploadRecord) throws(LedgerError) -> Bool
  ) throws(LedgerError) {
    guard let rows = try UploadRows(list, in: database) else { return }
    while let record = try rows.next() {
      guard try body(record) else { return }
    }
  }

  /// Whether there is any upload of a route, in whatever state.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func hasUploads(of route: String) throws(LedgerError) -> Bool {
    let any = try Statement("SELECT 1 FROM upload WHERE route = $1 LIMIT 1", in: database)
    any.bind(1, route)
    defer { any.reset() }
    return try any.step()
  }

  /// What is used and reserved of each quota, ordered by route and subject.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func quotas() throws(LedgerError) -> [QuotaRecord] {
    defer { listQuotas.reset() }
    var records: [QuotaRecord] = []
    while try listQuotas.step() { records.append(QuotaRecord(row: listQuotas)) }
    return records
  }

  /// What a route's clients use and have reserved together, for ever; `nil` where there is nothing of it.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func quota(of route: String) throws(LedgerError) -> QuotaRecord? {
    readQuota.bind(1, route)
    defer { readQuota.reset() }
    return try readQuota.step() ? QuotaRecord(row: readQuota) : nil
  }

  /// The events that wait for their targets, in the order in which they happened.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func events(_ selection: EventSelection) throws(LedgerError) -> [EventRecord] {
    try EventTable(database).list(selection)
  }

  /// What does not agree with everything else in the file.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func violations() throws(LedgerError) -> [LedgerViolation] {
    try LedgerAudit.violations(in: database)
  }
}
