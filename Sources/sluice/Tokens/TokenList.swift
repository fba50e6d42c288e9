import ArgumentParser
import ConfigurationReading
import GatewayCore
import GatewayServer

/// Says which tokens there are.
struct TokenList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Show which tokens there are, and what they are good for; never the tokens themselves.")

  @OptionGroup var file: TokenFileOptions

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let tokens = try file.editing { (path, _) throws(ConfigurationFaults) in
      try TokenAccount.all(in: path, now: .now())
    }
    if json { return Console.output(JSONText.line(["tokens": tokens])) }
    var table = TextTable("NAME", "ID", "GROUP", "ROUTES", "CREATED", "EXPIRES", "STATE")
    for token in tokens {
      table.append(
        token.name, token.id, token.group ?? "-", token.routes?.joined(separator: ",") ?? "all", token.created ?? "-",
        token.expires ?? "never", token.revoked.map { "revoked \($0)" } ?? token.state.rawValue)
    }
    Console.output(table.lines())
  }
}

/// Takes tokens away.
struct TokenRevoke: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Take away all tokens of a name, or one of them.",
    discussion: "The line stays in the file and says when, unless --forget removes it.")

  @Argument(help: "The name that the tokens are registered under.")
  var name: String

  @OptionGroup var file: TokenFileOptions

  @Option(help: ArgumentHelp("Only the token with this id, as `sluice token list` shows it.", valueName: "id"))
  var id: String?

  @Flag(help: "Remove the lines, also those that were revoked before.")
  var forget = false

  func run() throws {
    let ids = try file.editing { (path, _) throws(ConfigurationFaults) in
      try TokenEdit.revoke(name: name, id: id, forgets: forget, in: path, now: .now())
    }
    Console.output("\(ids.count) token(s) of \(name) \(forget ? "removed" : "revoked"): \(ids.joined(separator: ", "))")
  }
}
