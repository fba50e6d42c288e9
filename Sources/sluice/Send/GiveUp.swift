import ArgumentParser
import XStream
import XStreamClient

/// `sluice give-up`.
struct GiveUp: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "give-up",
    abstract: "Drop an unfinished upload: the server forgets what it has and gives the quota back.",
    usage: """
      sluice give-up [OPTIONS] FILE xstream://HOST[:PORT]/ROUTE
      sluice give-up [OPTIONS] KEY xstream://HOST[:PORT]/ROUTE
      """,
    discussion: """
      FILE is one that sluice send began to upload to this URL and has not completed. KEY is a stream's key, or - to read \
      it from standard input, where the process list does not show it.

      \(ExitStatus.help)
      """)

  @Argument(help: ArgumentHelp("A file or a key, and the URL.", valueName: "file | key"))
  var words: [String]

  @OptionGroup(title: "Connection")
  var connection: ConnectionOptions

  func validate() throws {
    guard words.count == 2 else { throw ValidationError("Name a file or a key, and the URL.") }
    _ = try XStreamURL.last(of: words)
  }

  func run() async throws {
    let url = try XStreamURL.last(of: words)
    let found: KeptUpload.Found
    if let kept = words[0] == "-" ? nil : KeptUpload.find(words[0], url: url) {
      found = kept
    } else if words[0] == "-" || StreamKey(words[0]) != nil {
      found = KeptUpload.Found(key: try KeptUpload.key(words[0]))
    } else {
      Console.error("\(words[0]): \(KeptUpload.nothingKept)")
      throw ExitStatus.refused
    }
    let client = try connection.client()
    do {
      try await client.giveUp(found.key, at: url)
      forget(found, url)
      Console.output("given up")
    } catch let error as UploadError {
      // A stream that the server does not know cannot be gone on with either.
      if error.status == .unknownKey { forget(found, url) }
      Console.error("sluice: \(connection.description(of: error))")
      throw ExitStatus.of(error)
    }
  }

  private func forget(_ found: KeptUpload.Found, _ url: XStreamURL) {
    if let folder = found.folder, let path = found.path { folder.remove(found.key, ofFileAt: path, url: url) }
  }
}
