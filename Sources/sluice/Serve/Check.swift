import ArgumentParser
import ConfigurationReading
import GatewayServer
import OperatingSystem

/// Reads a configuration and tells all its faults; or looks whether a ledger is sound.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a configuration: every fault at once, with its line and what to write instead.",
    discussion: """
      With --ledger it checks the gateway's ledger in place of the configuration, also while the gateway runs: whether \
      quotas, uploads and files agree.

      Exit status 0 if all is well, else 1; 74 if standard output cannot be written.
      """)

  @Option(help: ArgumentHelp("The configuration; with --ledger the embedded default's if left out.", valueName: "file"))
  var config: String?

  @Flag(help: "Check the ledger.")
  var ledger = false

  @Flag(name: .customLong("no-files"), help: "With --ledger: do not look for the files of complete uploads.")
  var noFiles = false

  func validate() throws {
    guard ledger || config != nil else { throw ValidationError("Missing expected argument '--config <file>'") }
    guard ledger || !noFiles else { throw ValidationError("--no-files goes with --ledger") }
  }

  func run() throws {
    if ledger { return try checkLedger() }
    guard let config = config.map(FileName.ofArgument) else { return }
    do throws(ConfigurationFaults) {
      let preparation = try Preparation(Configuration.load(path: config))
      let configuration = preparation.configuration
      let warnings = preparation.warnings + preparation.addressesInUse
      warnings.forEach { Console.errorText($0.description) }
      let count = warnings.isEmpty ? "" : ", with \(warnings.count) warning\(warnings.count == 1 ? "" : "s")"
      Console.output(
        "\(FileName.shown(config)): good\(count); \(configuration.routes.count) route(s), listening on \(configuration.listeners.map(\.description).joined(separator: ", "))"
      )
    } catch {
      throw CommandFailure(error)
    }
  }

  private func checkLedger() throws {
    let check = try LedgerOptions.reading(config) { try LedgerCheck($0, files: !noFiles) }
    Console.output(check.violations + check.notices)
    guard check.violations.isEmpty else { throw CommandFailure("\(check.violations.count) violation(s)") }
    Console.output(
      "the ledger is sound"
        + (noFiles ? "" : "; \(check.looked - check.notices.count) complete upload(s) have their files"))
  }
}
