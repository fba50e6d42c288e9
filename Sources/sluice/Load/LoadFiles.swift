import ArgumentParser
import FoundationEssentials
import GatewayServer
import LoadGenerator

/// What `sluice load` reads and writes beside the network.
enum LoadFiles {
  /// An earlier result.
  static func report(_ path: String) throws -> LoadReport {
    guard let bytes = FileManager.default.contents(atPath: path) else {
      Console.error("sluice: \(path): cannot be read")
      throw LoadExit.impossible
    }
    do throws(LoadReport.FormatError) {
      return try LoadReport(json: bytes)
    } catch {
      Console.error("sluice: \(path): \(error)")
      throw LoadExit.impossible
    }
  }

  /// What the ledger has that a gateway's configuration leads to; `-` is the embedded default's.
  static func records(_ config: String) throws -> GatewayRecords {
    let account = try LedgerOptions.reading(config == "-" ? nil : config) {
      try LedgerAccount($0)
    }
    let uploads = account.uploads.map {
      ($0.key, GatewayRecords.Upload(isDone: $0.state == "done", isOpen: $0.state == "open", safe: $0.safe))
    }
    let quotas = account.quotas.map {
      (
        GatewayRecords.QuotaName(route: $0.route, subject: $0.subject, window: $0.window?.milliseconds),
        GatewayRecords.Quota(used: $0.used, reserved: $0.reserved)
      )
    }
    return GatewayRecords(
      uploads: Dictionary(uploads) { first, _ in first }, quotas: Dictionary(quotas) { first, _ in first })
  }

  /// Where a result is to go.
  static func place(_ name: String) throws -> ResultPlace {
    do throws(ResultPlaceError) {
      return try ResultPlace(name)
    } catch {
      Console.error("sluice: \(error)")
      throw LoadExit.impossible
    }
  }
}
