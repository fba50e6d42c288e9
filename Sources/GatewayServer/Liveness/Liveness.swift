/// Whether those that a gateway cannot do without answer, at one moment.
package struct Liveness: Hashable, Sendable {
  /// What answers, or does not.
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    /// Serves connections.
    case eventLoop = "event-loop"
    /// Waits for disks.
    case storeThread = "store-thread"
    /// Compresses.
    case computingThread = "computing-thread"
    /// Writes the ledger.
    case ledger
  }

  /// One of them.
  package struct Part: Hashable, Sendable {
    /// What it is.
    package let kind: Kind
    /// Counts those of a kind from 0.
    package let number: Int
    /// For how long it has owed an answer, or has been at one job; zero where it owes nothing.
    package let owing: Duration
  }

  /// All of them, those of a kind together.
  package let parts: [Part]

  /// Those that have owed an answer for longer.
  package func silent(for patience: Duration) -> [Part] { parts.filter { $0.owing > patience } }

  /// The longest that one of a kind has owed an answer.
  package func longest(of kind: Kind) -> Duration {
    parts.lazy.filter { $0.kind == kind }.map(\.owing).max() ?? .zero
  }
}
