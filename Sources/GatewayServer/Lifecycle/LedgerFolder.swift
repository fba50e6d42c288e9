import Ledgers

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The folder of what the gateway remembers between two runs.
public struct LedgerFolder: Sendable {
  /// Absolute.
  public let path: String

  /// - Parameter path: absolute; need not exist.
  public init(path: String) {
    self.path = path
  }

  /// Where the ledger is.
  public var ledgerPath: String { path + "/ledger.sqlite" }

  /// Opens the ledger; makes the folder, for its owner alone, where it is missing.
  ///
  /// - Throws: ``LedgerFolderError`` or `LedgerOpenError`.
  func openLedger() throws -> EmbeddedLedger {
    try makeFolder()
    return try EmbeddedLedger(path: ledgerPath)
  }

  private func makeFolder() throws(LedgerFolderError) {
    var made = ""
    for part in path.split(separator: "/") {
      made += "/" + part
      guard mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
      throw LedgerFolderError(path: made, cause: String(cString: strerror(errno)))
    }
  }
}

/// The state folder cannot be made.
public struct LedgerFolderError: Error, CustomStringConvertible {
  let path: String
  let cause: String

  /// What was wrong, where, and what to do.
  public var description: String {
    "the state folder \(path) cannot be made (\(cause)): make it, or name another one in `state`"
  }
}
