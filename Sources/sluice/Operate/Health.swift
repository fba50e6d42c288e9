import ArgumentParser

/// Asks whether a gateway lives; for containers, whose images have no other program that could.
struct Health: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a running gateway whether it lives, or can take uploads.",
    discussion: """
      Asks the admin listener on this machine: /livez, or /readyz with --ready. Exit status 0 if all is well; else 1, and what \
      is wrong is printed, a reason a line.
      """)

  @OptionGroup var admin: AdminOptions

  @Flag(help: "Whether new uploads should be sent there: also stores, ledger, and whether it is stopping.")
  var ready = false

  func run() async throws {
    let answer = try await admin.connection().ask(ready ? "/readyz" : "/livez")
    let words = answer.body.trimmedLines
    guard answer.isGood else { throw CommandFailure(words) }
    Console.output(words)
  }
}

extension String {
  /// Without the last line's end.
  var trimmedLines: String { hasSuffix("\n") ? String(dropLast()) : self }
}
