import GatewayCore

/// What went wrong in a gateway's parts, for a person.
package enum FailureDescription {
  /// What was wrong, where, and what to do.
  package static func of(_ error: any Error) -> String {
    switch error {
    case SinkFailure.storage(let what), SinkFailure.backend(let what), SinkFailure.backendTimeout(let what): what
    case SinkFailure.full: "the store is full"
    case let error as LedgerError: "the ledger failed: \(error.logDescription)"
    default: "\(error)"
    }
  }
}
