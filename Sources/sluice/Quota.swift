import ArgumentParser
import GatewayServer

/// Shows what quotas hold.
struct Quota: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show caps and what is reserved and used of them, in bytes, from the ledger of a gateway.")

  @OptionGroup var ledger: LedgerOptions

  func run() throws {
    let account = try ledger.read()
    if ledger.json { return try ledger.printJSON(["quotas": account.quotas]) }
    var table = TextTable("ROUTE", "SUBJECT", "CAP", "RESERVED", "USED")
    for quota in account.quotas {
      table.append(
        quota.route, quota.subject.isEmpty ? "-" : quota.subject, "\(quota.cap)", "\(quota.reserved)", "\(quota.used)")
    }
    table.lines().forEach(Console.output)
  }
}
