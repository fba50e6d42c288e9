import ArgumentParser
import GatewayServer

/// Reads a configuration and tells all its faults.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a configuration: every fault at once, with its line and what to write instead.",
    discussion: "Exit status 0 if a gateway could run with it, else 1.")

  @Option(help: ArgumentHelp("The configuration.", valueName: "file"))
  var config: String

  func run() throws {
    do {
      let configuration = try Configuration.load(path: config)
      try configuration.checkCertificates()
      Console.output("\(config): good; \(configuration.routes.count) route(s), listening on \(configuration.listen)")
    } catch let faults as ConfigurationFaults {
      throw CommandFailure(Configuration.describe(faults))
    } catch {
      throw CommandFailure("\(config): error: \(error)")
    }
  }
}
