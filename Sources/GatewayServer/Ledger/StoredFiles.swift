import Forwarders
import GatewayCore

/// Compares a gateway's ledger with the files that its routes should have.
package struct StoredFiles: Sendable {
  /// A complete upload whose file is gone.
  package struct Missing: Sendable, Encodable {
    /// Its key.
    package let key: String
    /// The route's path.
    package let route: String
    /// Bytes of the upload.
    package let size: Int64
    /// Where its file should be.
    package let path: String
  }

  /// Complete uploads whose files are gone, ordered by route and age.
  package let missing: [Missing]
  /// How many complete uploads were looked for.
  package let looked: Int
  private let keys: [UploadKey]
  private let folder: LedgerFolder

  /// Looks for the file of every complete upload; changes nothing.
  ///
  /// A file is in its place before the ledger says that its upload is complete, so one that is missing was removed, and
  /// not by the gateway.
  ///
  /// - Parameter route: of this route alone.
  /// - Throws: `LedgerOpenError`, `LedgerError`; ``StoreMismatch`` where a store is not the one that the ledger knows, and
  ///   `SinkFailure` where it cannot be read: then nothing is known of its files.
  package init(_ configuration: Configuration, route: String? = nil) throws {
    folder = LedgerFolder(configuration)
    let ledger = try folder.inspect()
    var missing: [Missing] = []
    var keys: [UploadKey] = []
    var looked = 0
    for entry in configuration.routes where route == nil || entry.route.path == route {
      guard let store = entry.destination.store else { continue }
      let path = entry.route.path
      guard try ledger.hasUploads(of: path) else { continue }
      var isKnown = false
      var failure: (any Error)?
      try ledger.forEach(of: UploadList(state: .done, route: path)) { (upload) throws(LedgerError) in
        // What is known to be gone is no surprise.
        guard upload.file == .there else { return true }
        do {
          if !isKnown { try StoreClaims.checkIsThere(store, of: path, in: configuration, ledger) }
          isKnown = true
          looked += 1
          guard try !store.isPresent(upload) else { return true }
        } catch {
          failure = error
          return false
        }
        keys.append(upload.key)
        missing.append(
          Missing(key: upload.key.text, route: path, size: upload.committed, path: store.finalPath(of: upload)))
        return true
      }
      if let failure { throw failure }
    }
    self.missing = missing
    self.looked = looked
    self.keys = keys
  }

  /// Makes the ledger forget the missing ones, which gives back what they held; also while the gateway runs.
  ///
  /// - Returns: how many it forgot.
  /// - Throws: `LedgerOpenError`, `LedgerError`.
  package func forgetMissing() throws -> Int {
    guard !keys.isEmpty else { return 0 }
    return try folder.correct().forget(keys).count
  }
}

extension Configuration.Destination {
  /// The store whose files stay; `nil` where bytes are passed on.
  var store: DirectoryStore.Settings? {
    switch self {
    case .directory(let settings): settings
    case .pipe: nil
    }
  }
}

extension DirectoryStore.Settings {
  /// The folder of unfinished uploads.
  var partialFolder: String { directory + "/.partial" }

  /// Where the file of an unfinished upload is.
  func partialPath(of upload: UploadRecord) -> String { partialFolder + "/" + upload.key.text }
}

extension Configuration.RouteEntry {
  /// What clients name.
  package var path: String { route.path }
}
