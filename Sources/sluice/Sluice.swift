import ArgumentParser
import FoundationEssentials
import GatewayServer

/// The command.
@main
struct Sluice: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice",
    abstract: "Uploads that survive lost connections: a TLS gateway and its client.",
    version: ReleaseVersion.description,
    groupedSubcommands: [
      CommandGroup(
        name: "The gateway:",
        subcommands: [
          Serve.self, Check.self, Reload.self, Drain.self, Health.self, Top.self, Tokens.self, Uploads.self, Drop.self,
          Forget.self, Quota.self, Store.self, Events.self, Cat.self,
        ]),
      CommandGroup(name: "The client:", subcommands: [Send.self, Ask.self, GiveUp.self]),
      CommandGroup(name: "Tests:", subcommands: [Load.self]),
    ])

  static func main() async {
    StandardStreams.prepare()
    EventLoops.prepare()
    var status = ExitCode.success
    do {
      // Without `await`: the kernel confines threads, and up to here there is one.
      let command = try parseAsRoot()
      if let serve = command as? Serve {
        try await serve.run(serve.begin())
      } else if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        var command = command
        try command.run()
      }
    } catch let failure as CommandFailure {
      status = .failure
      Console.errorText(failure.text)
    } catch {
      status = exitCode(for: error)
      let text = fullMessage(for: error)
      if status.isSuccess {
        // Help, the version, and what completes commands in a shell.
        Console.outputAsItIs(text + "\n")
      } else if !text.isEmpty {
        Console.errorText(text)
      }
    }
    StandardStreams.end(status)
  }
}
