import ArgumentParser
import XStream
import XStreamClient

/// `sluice ask`.
struct Ask: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask how far an upload is; nothing changes.",
    usage: """
      sluice ask [OPTIONS] FILE xstream://HOST[:PORT]/ROUTE
      sluice ask [OPTIONS] KEY TOTAL xstream://HOST[:PORT]/ROUTE
      """,
    discussion: """
      FILE is one that sluice send began to upload to this URL and has not completed. KEY is a stream's key, or - to read \
      it from standard input, where the process list does not show it; TOTAL is the stream's size in bytes, or * if it was \
      unknown.

      \(ExitStatus.help) For an upload that is not complete yet, 75.
      """)

  @Argument(help: ArgumentHelp("A file, or a key and a total; and the URL.", valueName: "file | key total"))
  var words: [String]

  @OptionGroup(title: "Connection")
  var connection: ConnectionOptions

  func validate() throws {
    guard (2...3).contains(words.count) else { throw ValidationError("Name a file or a key and a total, and the URL.") }
    _ = try XStreamURL.last(of: words)
    if words.count == 3, Total(words[1]) == nil {
      throw ValidationError("The total has to be a number of bytes, or *.")
    }
  }

  func run() async throws {
    let url = try XStreamURL.last(of: words)
    let key: StreamKey
    var total: Int64?
    if words.count == 3 {
      key = try KeptUpload.key(words[0])
      if case .known(let count) = Total(words[1]) { total = count }
    } else if let found = KeptUpload.find(words[0], url: url) {
      (key, total) = (found.key, found.total)
    } else {
      Console.error("\(words[0]): \(KeptUpload.nothingKept)")
      throw ExitStatus.refused
    }
    let client = try connection.client()
    do {
      let position = try await client.ask(key, total: total, at: url)
      guard !position.isComplete else {
        Console.output("complete\(total.map { ", \($0) bytes" } ?? "")")
        return
      }
      let safe = position.safe.map { "\($0) bytes are safe" } ?? "not complete"
      Console.output(position.left.map { "\(safe), \($0) are left" } ?? safe)
    } catch let error as UploadError {
      Console.error("sluice: \(connection.description(of: error))")
      throw ExitStatus.of(error)
    }
    throw ExitStatus.tryAgain
  }
}
