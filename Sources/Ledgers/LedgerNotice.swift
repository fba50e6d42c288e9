/// What an operator should hear of a ledger, once for each time that it changes.
package enum LedgerNotice: Hashable, Sendable {
  /// Writing the log failed with `description`, and all that was committed is on the disk again.
  case mended(description: String)
  /// Writing the log failed with `description`. No call is answered until it can be mended, which is tried each second.
  case unmended(description: String)
  /// Its file `path` was removed, renamed or replaced. No call is answered until it is back.
  case parted(path: String, description: String)
  /// The file is where it was.
  case rejoined(path: String)
  /// The disk has no room for the ledger's reserve. Nothing new is begun; what is begun can be ended.
  case full(path: String)
  /// There is room again.
  case roomAgain(path: String)
  /// Not all of the log could be moved into the database at the end. What was acknowledged is in the log.
  case closedUnmoved(description: String)
  /// The database cannot be reached, as `description` says. What is safe stays so; no call is answered until it can.
  case away(description: String)
  /// It can be reached again.
  case back
}
