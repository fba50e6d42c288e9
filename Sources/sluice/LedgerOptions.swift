import ArgumentParser
import Foundation
import GatewayServer

/// Which gateway's ledger a command reads, and how it prints.
struct LedgerOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The gateway's configuration; without it the embedded default's.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("Of this route alone.", valueName: "path"))
  var route: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  func read() throws -> LedgerAccount {
    do {
      let configuration =
        if let config {
          try Configuration.load(path: config, checkingFiles: false)
        } else {
          try EmbeddedDefault.load(checkingFiles: false)
        }
      return try LedgerAccount(state: LedgerFolder(path: configuration.state), route: route)
    } catch let faults as ConfigurationFaults {
      throw CommandFailure(Configuration.describe(faults))
    } catch {
      throw CommandFailure("\(error)")
    }
  }

  func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    Console.output(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
}
