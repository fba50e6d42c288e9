import ArgumentParser
import XStream
import XStreamClient

/// `sluice give-up`.
struct GiveUp: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "give-up",
    abstract: "Drop an unfinished upload: the server forgets what it has and gives the quota back.",
    usage: """
      sluice give-up [OPTIONS] FILE URL
      sluice give-up [OPTIONS] KEY URL
      sluice give-up [OPTIONS] https://HOST/UPLOAD
      """,
    discussion: """
      FILE is one that sluice send began to upload to this URL and has not completed. KEY is a stream's key, or - to read \
      it from standard input, where the process list does not show it. An upload over HTTP has an https:// URL of its own, \
      which is given up alone; it is a secret too, and - reads it.

      \(ExitStatus.help)
      """)

  @Argument(help: ArgumentHelp("A file or a key, and the URL.", valueName: "file | key"))
  var words: [String]

  @OptionGroup(title: "Connection")
  var connection: ConnectionOptions

  func validate() throws {
    guard (1...2).contains(words.count) else { throw ValidationError("Name a file or a key, and the URL.") }
    if words.count > 1 { _ = try UploadURL.last(of: words) }
  }

  func run() async throws {
    let found: KeptUpload.Found
    let url: UploadURL
    if words.count == 1 {
      found = KeptUpload.Found(key: try KeptUpload.place(words[0]))
      url = try UploadURL.last(of: [found.key.text])
    } else {
      url = try UploadURL.last(of: words)
      found = try named(url)
    }
    try await giveUp(found, url)
  }

  private func named(_ url: UploadURL) throws -> KeptUpload.Found {
    if let kept = words[0] == "-" ? nil : KeptUpload.find(words[0], url: url) {
      return kept
    }
    if words[0] == "-" || StreamKey(words[0]) != nil {
      return KeptUpload.Found(key: UploadHandle(try KeptUpload.key(words[0])))
    }
    Console.error("\(words[0]): \(KeptUpload.nothingKept)")
    throw ExitStatus.refused
  }

  private func giveUp(_ found: KeptUpload.Found, _ url: UploadURL) async throws {
    let client = try connection.client()
    do {
      try await client.giveUp(found.key, dialect: found.dialect, at: url)
      forget(found, url)
      Console.output("given up")
    } catch {
      // A stream that the server does not know cannot be gone on with either.
      if error.status == .unknownKey { forget(found, url) }
      Console.error("sluice: \(connection.description(of: error))")
      throw ExitStatus.of(error)
    }
  }

  private func forget(_ found: KeptUpload.Found, _ url: UploadURL) {
    if let folder = found.folder, let path = found.path { folder.remove(found.key, ofFileAt: path, url: url) }
  }
}
