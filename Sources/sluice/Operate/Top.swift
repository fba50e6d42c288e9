import ArgumentParser

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The live page in a terminal.
struct Top: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Watch a running gateway: open uploads, routes, backends, and who was refused.",
    discussion: """
      Shows what the live page does, anew every two seconds until Ctrl-C; once where standard output is no terminal. sluice \
      drop takes an UPLOAD as it stands here.
      """)

  @OptionGroup var admin: AdminOptions

  @Option(help: ArgumentHelp("Between two looks.", valueName: "duration"), transform: TimeSpan.option)
  var every = TimeSpan(.seconds(2))

  @Flag(help: "Once, and no more.")
  var once = false

  @Flag(help: "Print the gateway's own JSON, once.")
  var json = false

  // What terminals understand since the VT100: to the top left, and nothing below.
  private static let clearing = "\u{1B}[H\u{1B}[J"

  func validate() throws {
    guard every.value >= .milliseconds(100) else { throw ValidationError("--every: write 100ms or more.") }
  }

  func run() async throws {
    let connection = try admin.connection()
    let repeats = !once && !json && isatty(STDOUT_FILENO) == 1
    repeat {
      let answer = try await connection.ask("/api/state")
      guard answer.isGood else { throw CommandFailure(answer.body.trimmedLines) }
      if json { return Console.output(answer.body.trimmedLines) }
      let lines = LiveTables(report: try LiveReport(json: answer.body)).lines()
      if repeats { Console.outputAsItIs(Self.clearing) }
      Console.output(lines)
      if repeats { try await Task.sleep(for: every.value) }
    } while repeats
  }
}
