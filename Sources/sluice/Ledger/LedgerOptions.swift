import ArgumentParser
import ConfigurationReading
import FoundationEssentials
import GatewayServer
import OperatingSystem
import TextForms

/// Which gateway's ledger a command reads, and how it prints.
struct LedgerOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The gateway's configuration; without it the embedded default's.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("Of this route alone.", valueName: "path"))
  var route: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  /// Does `body` with the configuration; what goes wrong ends the command with words for a person.
  func reading<Value>(_ body: (Configuration) throws -> Value) throws -> Value {
    try Self.reading(config, body)
  }

  static func reading<Value>(_ config: String?, _ body: (Configuration) throws -> Value) throws -> Value {
    do {
      let configuration =
        if let config {
          try Configuration.load(path: FileName.ofArgument(config), checkingFiles: false)
        } else {
          try EmbeddedDefault.load(checkingFiles: false)
        }
      return try body(configuration)
    } catch let faults as ConfigurationFaults {
      throw CommandFailure(faults)
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure(FailureDescription.of(error))
    }
  }

  /// Ends the command where `--route` names none, of neither the configuration nor the ledger.
  func checkRoute(_ configuration: Configuration, known: Bool = false) throws {
    let routes = configuration.routes.map(\.path)
    guard let route, !known, !routes.contains(route) else { return }
    let nearest = Suggestion.nearest(to: route, among: routes).map { "; did you mean \($0)?" } ?? "."
    throw CommandFailure("there is no route \(route)\(nearest) The routes are: \(routes.joined(separator: ", "))")
  }

  func account(_ filter: LedgerFilter, reading contents: LedgerAccount.Contents) throws -> LedgerAccount {
    var filter = filter
    filter.route = route
    return try reading { configuration in
      let account = try LedgerAccount(configuration, filter: filter, reading: contents)
      // Records of a route may stay when it goes.
      try checkRoute(configuration, known: !account.uploads.isEmpty || !account.quotas.isEmpty)
      return account
    }
  }

  func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    Console.output(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
}

/// Moments in tables.
enum Moment {
  /// `2026-01-31T23:59:59Z`.
  static func text(_ moment: LedgerAccount.Moment) -> String {
    RFC3339(milliseconds: moment.milliseconds).textInSeconds
  }
}
