import GatewayCore
import Ledgers
import Synchronization

/// What the ledger says of the routes' quotas, no more often than it changes for the eye.
final class QuotaReadings: Sendable {
  private struct Last {
    var at: ContinuousClock.Instant
    var quotas: [String: QuotaRecord]?
  }

  private static let freshness = Duration.seconds(2)
  private let last = Mutex<Last?>(nil)

  /// By route, as far as there is anything of them in the ledger; `nil` where that cannot be read. Blocks.
  func of(_ routes: [String], in folder: LedgerFolder) -> [String: QuotaRecord]? {
    if let last = last.withLock({ $0 }), .now - last.at < Self.freshness { return last.quotas }
    let quotas = read(routes, in: folder)
    last.withLock { $0 = Last(at: .now, quotas: quotas) }
    return quotas
  }

  private func read(_ routes: [String], in folder: LedgerFolder) -> [String: QuotaRecord]? {
    guard let reader = try? folder.inspect() else { return nil }
    var quotas: [String: QuotaRecord] = [:]
    for route in routes {
      do throws(LedgerError) {
        quotas[route] = try reader.quota(of: route)
      } catch {
        return nil
      }
    }
    return quotas
  }
}
