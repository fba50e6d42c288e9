import ArgumentParser
import GatewayServer

/// Lists what a gateway holds.
struct Uploads: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List uploads, open and complete, from the ledger of a gateway, also while it runs.")

  @OptionGroup var ledger: LedgerOptions

  func run() throws {
    let account = try ledger.read()
    if ledger.json { return try ledger.printJSON(["uploads": account.uploads]) }
    var table = TextTable("KEY", "ROUTE", "STATE", "SAFE", "TOTAL", "OWNER", "NAME")
    for upload in account.uploads {
      table.append(
        upload.key, upload.route, upload.state, "\(upload.safe)", upload.total.map { "\($0)" } ?? "*",
        upload.owner.isEmpty ? "-" : upload.owner, upload.name ?? "-")
    }
    table.lines().forEach(Console.output)
  }
}
