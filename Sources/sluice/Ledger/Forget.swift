import ArgumentParser
import GatewayServer

/// Forgets complete uploads by hand.
struct Forget: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Forget complete uploads, and give back what they hold of quotas; their files stay.",
    discussion: """
      KEY is an upload's key, or its beginning, as logs have it (from six characters on), so that the process list need \
      not show a whole one. Works while the gateway runs and when it does not. A client that asks for a forgotten upload \
      hears that its key is unknown. An upload that is not complete is its client's to give up (sluice give-up), and is \
      dropped when it expires.
      """)

  @Argument(help: ArgumentHelp("The beginning of a key.", valueName: "key"))
  var keys: [String]

  @Option(help: ArgumentHelp("The gateway's configuration; without it the embedded default's.", valueName: "file"))
  var config: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    for key in keys where key.utf8.count < ForgottenUploads.leastPrefix {
      throw ValidationError(
        "`\(key)` is too short: write \(ForgottenUploads.leastPrefix) characters of the key or more.")
    }
  }

  func run() throws {
    let forgotten = try LedgerOptions.reading(config) { try ForgottenUploads($0, prefixes: keys).uploads }
    if json { return Console.output(JSONText.line(["forgotten": forgotten])) }
    for upload in forgotten {
      Console.output(
        "forgot \(upload.key.prefix(12)) of \(upload.route): \(ByteCount.text(upload.safe)) are free again"
          + (upload.path.map { "; its file stays: \($0)" } ?? ""))
    }
  }
}
