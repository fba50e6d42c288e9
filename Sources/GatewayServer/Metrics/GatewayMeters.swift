import GatewayCore
import Metrics
import Synchronization

/// What is counted of a gateway beside its routes, stores and backends, which have meters of their own.
final class GatewayMeters: Sendable {
  let tls = TLSMeters()
  let ledger = LedgerMeters()
  let accepted = Counter()
  let turnedAway = Counter()
  let reloadsTaken = Counter()
  let reloadsRefused = Counter()
  let startedAt = WallTime.now()
  private let takenAt = Mutex(WallTime.now())

  /// When the configuration was taken that is in force.
  var configuredAt: WallTime { takenAt.withLock { $0 } }

  func reloadTaken() {
    reloadsTaken.add()
    takenAt.withLock { $0 = .now() }
  }
}
