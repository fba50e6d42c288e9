import ArgumentParser
import XStream
import XStreamClient

/// `sluice ask`.
struct Ask: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask how far an upload is; nothing changes.",
    usage: """
      sluice ask [OPTIONS] FILE URL
      sluice ask [OPTIONS] KEY TOTAL URL
      sluice ask [OPTIONS] https://HOST/UPLOAD
      """,
    discussion: """
      FILE is one that sluice send began to upload to this URL and has not completed. KEY is a stream's key, or - to read \
      it from standard input, where the process list does not show it; TOTAL is the stream's size in bytes, or * if it was \
      unknown. An upload over HTTP has an https:// URL of its own, which is asked alone; it is a secret too, and - reads it.

      \(ExitStatus.help) For an upload that is not complete yet, 75.
      """)

  @Argument(help: ArgumentHelp("A file, or a key and a total; and the URL.", valueName: "file | key total"))
  var words: [String]

  @OptionGroup(title: "Connection")
  var connection: ConnectionOptions

  func validate() throws {
    guard (1...3).contains(words.count) else { throw ValidationError("Name a file or a key and a total, and the URL.") }
    if words.count > 1 { _ = try UploadURL.last(of: words) }
    if words.count == 3, Total(words[1]) == nil {
      throw ValidationError("The total has to be a number of bytes, or *.")
    }
  }

  func run() async throws {
    let url: UploadURL
    let key: UploadHandle
    var total: Int64?
    var dialect: String?
    if words.count == 1 {
      key = try KeptUpload.place(words[0])
      url = try UploadURL.last(of: [key.text])
    } else if words.count == 3 {
      (url, key) = (try UploadURL.last(of: words), UploadHandle(try KeptUpload.key(words[0])))
      if case .known(let count) = Total(words[1]) { total = count }
    } else if case let target = try UploadURL.last(of: words), let found = KeptUpload.find(words[0], url: target) {
      (url, key, total, dialect) = (target, found.key, found.total, found.dialect)
    } else {
      Console.error("\(words[0]): \(KeptUpload.nothingKept)")
      throw ExitStatus.refused
    }
    let client = try connection.client()
    do {
      let position = try await client.ask(key, total: total, dialect: dialect, at: url)
      guard !position.isComplete else {
        Console.output("complete\(total.map { ", \($0) bytes" } ?? "")")
        return
      }
      let safe = position.safe.map { "\($0) bytes are safe" } ?? "not complete"
      Console.output(position.left.map { "\(safe), \($0) are left" } ?? safe)
    } catch {
      Console.error("sluice: \(connection.description(of: error))")
      throw ExitStatus.of(error)
    }
    throw ExitStatus.tryAgain
  }
}
