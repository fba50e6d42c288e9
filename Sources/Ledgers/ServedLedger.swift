package import GatewayCore
package import OperatingSystem

/// A ledger that a gateway has opened.
package protocol ServedLedger: Ledger {
  /// Does the calls that wait, then closes it. Blocks until that is done. A second call does nothing.
  func close()

  /// What gateways over it tell each other, and whom the leases of this one are held by; `nil` where there is no other.
  ///
  /// - Parameter name: the gateway's own.
  func shared(by name: String) -> (leases: any SharedLeases, holder: String)?

  /// Since when each thread of it has been at what it does on this machine; none where it may wait for another.
  var writers: [BusySince] { get }

  /// What makes answers survive a power cut that would not yet, for one caller; `nil` where every answer does.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  func flushOfAnswers() throws(LedgerError) -> LedgerFlush?
}

extension EmbeddedLedger: ServedLedger {
  /// See ``ServedLedger``.
  package func shared(by name: String) -> (leases: any SharedLeases, holder: String)? { nil }

  /// See ``ServedLedger``.
  package var writers: [BusySince] { [writing] }

  /// See ``ServedLedger``.
  package func flushOfAnswers() throws(LedgerError) -> LedgerFlush? { try makeFlush() }
}

#if PostgreSQL
  extension PostgreSQLLedger: ServedLedger {
    /// See ``ServedLedger``. A new holder each time.
    package func shared(by name: String) -> (leases: any SharedLeases, holder: String)? { (self, holders.next(name)) }

    /// See ``ServedLedger``.
    package var writers: [BusySince] { [] }

    /// See ``ServedLedger``.
    package func flushOfAnswers() throws(LedgerError) -> LedgerFlush? { nil }
  }
#endif
