package import GatewayCore
import Glibc

/// Puts an ``EmbeddedLedger``'s file right by hand, also while a gateway in another process writes it: SQLite's own lock
/// keeps the two apart, each transaction for itself.
///
/// It changes nothing of open uploads, of which a running gateway has counts and holds in memory. For one thread at
/// a time; every call blocks.
package final class LedgerMaintenance: LedgerCorrection {
  /// Uploads in one transaction: a gateway's uploads wait for it.
  private static let batch = 200

  /// Pages of the log before it is moved into the database.
  private static let checkpointFrames = 16 * LogKeeper.checkpointFrames

  private let database: Database
  private let transaction: LedgerTransaction

  /// Opens the ledger at `path`, which must be there and of this release's schema.
  ///
  /// - Throws: ``LedgerOpenError``.
  package convenience init(path: String) throws(LedgerOpenError) {
    try self.init(path: path, busyMilliseconds: 10_000)
  }

  /// - Parameter busyMilliseconds: how long a transaction waits for the gateway's.
  init(path: String, busyMilliseconds: Int32) throws(LedgerOpenError) {
    database = try Database.openForMaintenance(path: path, busyMilliseconds: busyMilliseconds)
    do throws(LedgerError) {
      transaction = try LedgerTransaction(database)
    } catch {
      throw LedgerOpenError(wrapping: error, path: path)
    }
  }

  /// Forgets complete uploads, as ``/GatewayCore/Ledger/forget(_:on:)`` does. What is not complete is passed over.
  ///
  /// - Returns: those that were forgotten.
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``; what was forgotten in earlier batches stays so.
  package func forget(_ keys: [UploadKey]) throws(LedgerError) -> [UploadKey] {
    var forgotten: [UploadKey] = []
    var rest = keys[...]
    while !rest.isEmpty {
      let batch = rest.prefix(Self.batch)
      rest = rest.dropFirst(Self.batch)
      forgotten += try inTransaction { () throws(LedgerError) in
        var done: [UploadKey] = []
        for key in batch {
          do throws(LedgerError) {
            try transaction.forget(key)
            done.append(key)
          } catch {
            guard error == .unknown else { throw error }
          }
        }
        return done
      }
    }
    return forgotten
  }

  /// Makes dead letters due at once, as if nobody had tried to deliver them. A running gateway looks for them before long.
  ///
  /// - Returns: how many.
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func sendAgain(_ selection: EventSelection) throws(LedgerError) -> Int {
    try inTransaction { () throws(LedgerError) in try EventTable(database).sendAgain(selection, at: Self.now) }
  }

  /// The system's calendar.
  static var now: WallTime {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return WallTime(milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
  }

  /// Forgets events, which nobody hears of any more.
  ///
  /// - Returns: how many.
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func forgetEvents(_ selection: EventSelection) throws(LedgerError) -> Int {
    try inTransaction { () throws(LedgerError) in try EventTable(database).forget(selection) }
  }

  /// Makes the ledger know the place of a route's uploads, in place of the one that it knew before.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  package func note(_ store: KnownStore) throws(LedgerError) {
    try inTransaction { () throws(LedgerError) in try StoreTable.note(store, in: database) }
  }

  private func inTransaction<Value>(_ body: () throws(LedgerError) -> Value) throws(LedgerError) -> Value {
    // The write lock at once: a transaction that reads first may find that it cannot write any more.
    try database.execute("BEGIN IMMEDIATE")
    let value: Value
    do throws(LedgerError) {
      value = try body()
      try database.heard()
      try database.execute("COMMIT")
    } catch {
      if database.isInTransaction { try? database.execute("ROLLBACK") }
      throw error
    }
    // A running gateway keeps the log short, and knows whether it is whole.
    if database.logFrames > Self.checkpointFrames { _ = try database.checkpoint(.passive) }
    return value
  }
}
