import GatewayCore

/// Complete uploads that an operator has the ledger forget. Their files stay.
package struct ForgottenUploads {
  /// A beginning of a key that names no complete upload, or more than one.
  package struct Unclear: Error, CustomStringConvertible {
    let prefix: String
    let count: Int
    let state: String?

    /// What was wrong, and what to do.
    package var description: String {
      // What was typed may be a whole key, which is a secret.
      let shown = prefix.prefix(12)
      if let state {
        return
          "the upload whose key begins with \(shown) is \(state): complete ones alone can be forgotten. Its client can "
          + "give it up (sluice give-up), and it is dropped when it expires"
      }
      return count == 0
        ? "no upload has a key that begins with \(shown): sluice uploads lists them"
        : "\(count) uploads have keys that begin with \(shown): write more of it"
    }
  }

  /// How many characters of a key name it at least; the log has twelve.
  package static let leastPrefix = 6

  /// Those that were complete and are forgotten.
  package let uploads: [LedgerAccount.Upload]

  /// Forgets them, also while the gateway runs. What they held of quotas is free again; a client that asks for one hears
  /// that its key is unknown.
  ///
  /// - Parameter prefixes: a key each, or as much of its beginning as no other key has.
  /// - Throws: ``Unclear``, and then none was forgotten; `LedgerOpenError`, `LedgerError`.
  package init(_ configuration: Configuration, prefixes: [String]) throws {
    var found: [LedgerAccount.Upload] = []
    for prefix in prefixes {
      let filter = LedgerFilter(keyPrefix: prefix)
      let uploads = try LedgerAccount(configuration, filter: filter, reading: .uploads(limit: 1000)).uploads
      guard uploads.count == 1, let upload = uploads.first else {
        throw Unclear(prefix: prefix, count: uploads.count, state: nil)
      }
      guard upload.state == LedgerFilter.State.done.rawValue else {
        throw Unclear(prefix: prefix, count: 1, state: upload.state)
      }
      found.append(upload)
    }
    let keys = found.compactMap { UploadKey($0.key) }
    let forgotten = Set(try LedgerFolder(configuration).correct().forget(keys).map(\.text))
    uploads = found.filter { forgotten.contains($0.key) }
  }
}
