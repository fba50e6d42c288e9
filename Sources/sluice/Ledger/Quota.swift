import ArgumentParser
import GatewayServer

/// What quotas hold.
struct Quota: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what quotas hold, or find what they hold in vain.",
    subcommands: [QuotaShow.self, QuotaRescan.self], defaultSubcommand: QuotaShow.self)
}

/// Shows caps and what is taken of them.
struct QuotaShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show caps and what is reserved and used of them, by route, client and window; --json has bytes.")

  @OptionGroup var ledger: LedgerOptions

  @Option(help: ArgumentHelp("Of clients whose name has this in it.", valueName: "text"))
  var client: String?

  func run() throws {
    let account = try ledger.account(LedgerFilter(client: client), reading: .quotas)
    if ledger.json { return try ledger.printJSON(["quotas": account.quotas]) }
    var table = TextTable("ROUTE", "CLIENT", "WINDOW", "CAP", "RESERVED", "USED", "%")
    for quota in account.quotas {
      table.append(
        quota.route, quota.subject.isEmpty ? "-" : quota.subject, quota.window.map(Moment.text) ?? "-",
        ByteCount.text(quota.cap), ByteCount.text(quota.reserved), ByteCount.text(quota.used),
        quota.cap > 0 ? "\(Int(Double(quota.reserved + quota.used) / Double(quota.cap) * 100))" : "-")
    }
    Console.output(table.lines())
  }
}

/// Forgets complete uploads whose files are gone.
struct QuotaRescan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rescan",
    abstract: "Forget complete uploads whose files were removed by hand, and give back what they held.",
    discussion: """
      Works while the gateway runs and when it does not. A client that asks for a forgotten upload hears that its key is \
      unknown. Routes that pass bytes on have no files, and are left alone.
      """)

  @OptionGroup var ledger: LedgerOptions

  @Flag(help: "Only tell what would be forgotten.")
  var dryRun = false

  func run() throws {
    let (files, forgotten) = try ledger.reading { configuration in
      try ledger.checkRoute(configuration)
      let files = try StoredFiles(configuration, route: ledger.route)
      return (files, dryRun ? 0 : try files.forgetMissing())
    }
    let bytes = files.missing.reduce(0) { $0 + $1.size }
    if ledger.json {
      return try ledger.printJSON(
        Report(looked: files.looked, missing: files.missing, bytes: bytes, forgotten: forgotten))
    }
    if !files.missing.isEmpty {
      var table = TextTable("KEY", "ROUTE", "SIZE", "PATH")
      for upload in files.missing { table.append(upload.key, upload.route, ByteCount.text(upload.size), upload.path) }
      Console.output(table.lines())
    }
    Console.output(
      "\(files.looked) complete upload(s), \(files.missing.count) without a file (\(ByteCount.text(bytes))), "
        + (dryRun ? "none forgotten: this was a dry run" : "\(forgotten) forgotten"))
  }

  private struct Report: Encodable {
    var looked: Int
    var missing: [StoredFiles.Missing]
    var bytes: Int64
    var forgotten: Int
  }
}
