import ArgumentParser
import GatewayServer

/// What is done to stores by hand.
struct Store: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say which folder is a route's store, where the gateway cannot tell.", subcommands: [StoreAdopt.self])
}

/// Makes a folder a route's store.
struct StoreAdopt: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "adopt",
    abstract: "Make the folder that the configuration names the store of a route from now on.",
    discussion: """
      Each store has a mark, and knows its ledger by it as the ledger knows the store. Where they do not fit, the gateway \
      does not start: a disk may not be mounted. This command is for when the store or the ledger that is missing is \
      really gone, or was restored without its mark. It works while the gateway runs and when it does not.

      Unfinished uploads whose bytes are not there cannot go on; they are kept until they expire. Files of unfinished \
      uploads that the ledger does not know are removed at the next start.
      """)

  @Option(help: ArgumentHelp("The gateway's configuration; without it the embedded default's.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("The route whose store it is.", valueName: "path"))
  var route: String

  func run() throws {
    let adoption = try LedgerOptions.reading(config) { try StoreAdoption($0, route: route) }
    Console.output("\(adoption.directory) is the store of \(route) \(adoption.wasKnown ? "already" : "now")")
    if adoption.missing > 0 {
      Console.output("\(adoption.missing) unfinished upload(s) have no file here, and cannot go on")
    }
    if adoption.strangers > 0 {
      Console.output("\(adoption.strangers) file(s) of uploads that the ledger does not know go at the next start")
    }
  }
}
