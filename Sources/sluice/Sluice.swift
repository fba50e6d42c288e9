import ArgumentParser
import GatewayServer

/// The command.
@main
struct Sluice: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice",
    abstract: "Uploads that survive lost connections: a TLS gateway and its client.",
    version: ReleaseVersion.description,
    groupedSubcommands: [
      CommandGroup(name: "The gateway:", subcommands: [Serve.self, Check.self, Uploads.self, Quota.self, Cat.self]),
      CommandGroup(name: "The client:", subcommands: [Send.self, Ask.self, GiveUp.self]),
      CommandGroup(name: "Tests:", subcommands: [Load.self]),
    ])
}
