import ArgumentParser
import GatewayServer

/// Lists what a gateway holds.
struct Uploads: ParsableCommand {
  enum State: String, CaseIterable, ExpressibleByArgument {
    case open, failed, done
  }

  static let configuration = CommandConfiguration(
    abstract: "List uploads, open, failed and complete, from the ledger of a gateway, also while it runs.",
    discussion: """
      RATE is that of the whole time since an upload began, or that it took. --json has exact numbers and moments.
      """)

  @OptionGroup var ledger: LedgerOptions

  @Option(help: "In this state alone.")
  var state: State?

  @Option(help: ArgumentHelp("Of clients whose name has this in it.", valueName: "text"))
  var client: String?

  @Option(
    help: ArgumentHelp("Begun or completed within this time, such as 30m, 2h or 1d.", valueName: "duration"),
    transform: TimeSpan.option)
  var since: TimeSpan?

  @Option(help: ArgumentHelp("With keys that begin so.", valueName: "prefix"))
  var key = ""

  @Option(
    help: ArgumentHelp(
      "At most so many; by default 1000 in a table, and all with --json.", valueName: "number"))
  var limit: Int?

  @Option(help: ArgumentHelp("Those behind the upload of this key: the next page.", valueName: "key"))
  var after: String?

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit: '\(limit)' is not a number from 1 up") }
    if let after, !LedgerFilter.isKey(after) { throw ValidationError("--after: '\(after)' is no key") }
  }

  func run() throws {
    let filter = LedgerFilter(
      state: state.flatMap { LedgerFilter.State(rawValue: $0.rawValue) }, client: client,
      since: since.map { LedgerFilter.moment(by: $0.value) }, keyPrefix: key,
      after: after)
    let limit = limit ?? (ledger.json ? .max : Self.defaultLimit)
    let account = try ledger.account(filter, reading: .uploads(limit: limit))
    if ledger.json { return try ledger.printJSON(["uploads": account.uploads]) }
    var table = TextTable("KEY", "ROUTE", "STATE", "SAFE", "TOTAL", "%", "RATE", "AGE", "CLIENT", "FILE")
    let now = LedgerAccount.Moment.now
    for upload in account.uploads {
      let row = UploadRow(upload, now: now)
      table.append(
        upload.key, upload.route, row.state, row.safe, row.total, row.percent, row.rate, row.age, row.client, row.file)
    }
    Console.output(table.lines())
    if account.hasMore, let last = account.uploads.last {
      Console.errorText("there are more: --after \(last.key), or a larger --limit")
    }
  }

  private static let defaultLimit = 1000
}
