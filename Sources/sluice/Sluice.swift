import ArgumentParser
import GatewayServer

/// The command.
@main
struct Sluice: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "A TLS-secured gateway for large uploads that survive a lost connection, and its client.",
    version: ReleaseVersion.description,
    subcommands: [Serve.self, Check.self, Uploads.self, Quota.self])
}
