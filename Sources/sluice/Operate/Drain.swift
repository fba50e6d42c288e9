import ArgumentParser

/// Stops a gateway as the service manager would.
struct Drain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have the running gateway finish what is open, and stop.",
    discussion:
      "As systemctl stop does: nothing new is taken, and what does not end in time is made safe and can go on later.")

  @OptionGroup var admin: AdminOptions

  func run() async throws {
    let answer = try await admin.connection().ask("/api/drain", change: true)
    guard answer.isGood else { throw CommandFailure(answer.body.trimmedLines) }
    Console.output(answer.body.trimmedLines)
  }
}
