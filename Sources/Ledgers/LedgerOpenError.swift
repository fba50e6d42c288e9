/// Why a ledger's file could not be opened. Nothing was changed in it.
package enum LedgerOpenError: Error, Hashable, Sendable {
  /// Another gateway has it open for writing. `holder` is what that one wrote of itself into `PATH.lock`.
  case locked(path: String, holder: String)
  /// A file of something else.
  case foreign(path: String)
  /// Nothing is there to read.
  case missing(path: String)
  /// A newer release of the gateway wrote it.
  case newer(path: String, schema: Int64, known: Int64)
  /// An older release of the gateway wrote it, and a reader may not bring it up to date.
  case older(path: String, schema: Int64, known: Int64)
  /// The file's place cannot keep the promise that what is committed survives a power cut.
  case unsafe(path: String, setting: String)
  /// The engine or the system failed, in their words.
  case engine(path: String, description: String)
}

extension LedgerOpenError: CustomStringConvertible {
  /// What was wrong, where, and what to do.
  package var description: String {
    switch self {
    case .locked(let path, let holder):
      "the ledger \(path) is in use by \(holder.isEmpty ? "another gateway" : holder): "
        + "stop that gateway, or give this one a ledger of its own"
    case .foreign(let path):
      "\(path) is not a ledger: name another file, or move this one away"
    case .missing(let path):
      "there is no ledger at \(path): check the path, or start the gateway once"
    case .newer(let path, let schema, let known):
      "the ledger \(path) has schema \(schema), and this release knows schemas up to \(known): use the newer release"
    case .older(let path, let schema, let known):
      "the ledger \(path) has schema \(schema), and this release reads schema \(known): start the gateway once, "
        + "and it brings the ledger up to date"
    case .unsafe(let path, let setting):
      "the ledger \(path) cannot be kept safely, \(setting): put it on a local disk"
    case .engine(let path, let description):
      "the ledger \(path) cannot be opened: \(description)"
    }
  }
}
