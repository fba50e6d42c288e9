import GatewayCore

/// Looks whether a gateway's ledger agrees with itself and with the files of its routes.
package struct LedgerCheck: Sendable {
  /// What does not agree, a line each.
  package let violations: [String]
  /// What is as it may be, and good to know, a line each: files that somebody has taken away since the gateway looked last.
  package let notices: [String]
  /// Complete uploads whose files were looked for.
  package let looked: Int

  /// Changes nothing; also while the gateway runs.
  ///
  /// - Parameter files: whether to look for the files of complete uploads.
  /// - Throws: `LedgerOpenError` or `LedgerError` where the ledger cannot be read; ``StoreMismatch`` or `SinkFailure` for a
  ///   store.
  package init(_ configuration: Configuration, files: Bool) throws {
    violations = try LedgerFolder(configuration).inspect().violations().map {
      "\($0.rule): \($0.description)"
    }
    guard files else {
      (notices, looked) = ([], 0)
      return
    }
    let stored = try StoredFiles(configuration)
    looked = stored.looked
    notices = stored.missing.map {
      "file: \($0.path) of \($0.route) was taken away (\($0.size) bytes); a running gateway notices that by itself"
    }
  }
}
