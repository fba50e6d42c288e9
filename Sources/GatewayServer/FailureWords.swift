import GatewayCore

/// What went wrong in a gateway's parts, for a person.
package enum FailureWords {
  /// What was wrong, where, and what to do.
  package static func of(_ error: any Error) -> String {
    switch error {
    case SinkFailure.storage(let words), SinkFailure.backend(let words), SinkFailure.backendTimeout(let words): words
    case SinkFailure.full: "the store is full"
    case let error as LedgerError: "the ledger failed: \(error.words)"
    default: "\(error)"
    }
  }
}
