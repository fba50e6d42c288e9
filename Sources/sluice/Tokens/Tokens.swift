import ArgumentParser
import ConfigurationReading
import GatewayCore
import GatewayServer
import OperatingSystem

/// Makes and revokes tokens.
struct Tokens: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Make tokens for clients, list them, and take them away.",
    discussion: """
      A gateway's file of tokens keeps their hashes alone. A running gateway knows of a change once it reads the file again; \
      a token that was revoked then ends uploads under way, and what is safe of them stays so.
      """,
    subcommands: [TokenAdd.self, TokenList.self, TokenRevoke.self])
}

/// Which file of tokens is meant.
struct TokenFileOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The file of tokens.", valueName: "file"))
  var tokens: String?

  @Option(help: ArgumentHelp("The gateway's configuration, which names the file of tokens.", valueName: "file"))
  var config: String?

  func validate() throws {
    guard (tokens == nil) != (config == nil) else {
      throw ValidationError("Name the file of tokens with --tokens, or the configuration with --config")
    }
  }

  /// Does `body` with the file's path and, where the configuration says them, the paths of the routes.
  func editing<Value>(
    _ body: (_ path: String, _ routes: [String]?) throws(ConfigurationFaults) -> Value
  ) throws -> Value {
    do throws(ConfigurationFaults) {
      if let tokens { return try body(FileName.ofArgument(tokens), nil) }
      guard let config else { preconditionFailure("neither option, after validation") }
      let configuration = try Configuration.load(path: FileName.ofArgument(config), checkingFiles: false)
      let paths = configuration.tokenFilePaths
      if paths.count == 1 { return try body(paths[0], configuration.routes.map(\.route.path)) }
      let what =
        paths.isEmpty
        ? "names no file of tokens: write `tokens: FILE` into it, or name one with --tokens"
        : "names several files of tokens: name one of them with --tokens: \(paths.joined(separator: ", "))"
      throw ConfigurationFaults(
        [ConfigurationFault(file: FileName.shown(config), line: 0, column: 0, message: what, hint: "")],
        mainFile: config)
    } catch {
      throw CommandFailure(error)
    }
  }
}

/// Makes a token.
struct TokenAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Make a token, and print it once.",
    discussion: """
      The token alone goes to standard output, and is kept nowhere: TOKEN=$(sluice token add NAME --tokens FILE). A name may \
      have several tokens, so that a client can change from one to the next without a gap. The file is made where it is \
      missing, for its maker alone (mode 0600).
      """)

  @Argument(help: "Whom logs and quotas know the client by.")
  var name: String

  @OptionGroup var file: TokenFileOptions

  @Option(help: ArgumentHelp("How long it is good, as 90d or 12h; for ever if left out.", valueName: "duration"))
  var expires: String?

  @Option(
    help: ArgumentHelp("The routes that it is good for, with commas between; all if left out.", valueName: "paths"))
  var routes: String?

  @Option(help: ArgumentHelp("The group that it is in, which routes may name.", valueName: "name"))
  var group: String?

  func validate() throws {
    for word in [name, group].compactMap({ $0 }) where !TokenEdit.isName(word) {
      throw ValidationError("'\(word)' cannot be a name: \(TokenEdit.nameHint)")
    }
    _ = try lifetime()
    for path in wantedRoutes ?? [] {
      if let fault = TokenEdit.faultOfRoute(path) { throw ValidationError("--routes: '\(path)' \(fault)") }
    }
  }

  private var wantedRoutes: [String]? {
    routes.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
  }

  private func lifetime() throws -> Duration? {
    guard let expires else { return nil }
    do throws(ValueFault) {
      let duration = try DurationText.parse(expires)
      guard duration >= .seconds(1), duration <= .seconds(3650 * 86_400) else {
        throw ValueFault(message: "`\(expires)` is out of range", hint: "write 1s to 3650d")
      }
      return duration
    } catch {
      throw ValidationError("--expires: \(error.message); \(error.hint)")
    }
  }

  func run() throws {
    let now = WallTime.now()
    let end = try lifetime().map { now.advanced(byMilliseconds: $0.components.seconds * 1000) }
    let wish = TokenEdit.Wish(name: name, group: group, routes: wantedRoutes, expiresAt: end)
    let (token, count, path) = try file.editing { (path, known) throws(ConfigurationFaults) in
      if let known, let stranger = wish.routes?.first(where: { !known.contains($0) }) {
        let nearest = Suggestion.nearest(to: stranger, among: known).map { "did you mean `\($0)`?" }
        throw ConfigurationFaults(
          [
            ConfigurationFault(
              file: "--routes", line: 0, column: 0, message: "there is no route `\(stranger)`",
              hint: nearest ?? "the routes are: \(known.joined(separator: ", "))")
          ], mainFile: path)
      }
      let (secret, ofName) = try TokenEdit.add(wish, to: path, now: now)
      return (secret, ofName, path)
    }
    Console.output(token.text)
    let others = count > 1 ? "; \(name) has \(count) good tokens now" : ""
    Console.error(
      "token \(token.id) of \(name) is in \(FileName.shown(path)) by its hash, and is shown this once\(others)")
  }
}
