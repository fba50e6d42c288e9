import ArgumentParser
import XStream
import XStreamClient

/// `sluice send`.
struct Send: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Upload files, and go on where an earlier run stopped.",
    usage: """
      sluice send [OPTIONS] FILE... xstream://HOST[:PORT]/ROUTE
      sluice send [OPTIONS] FILE... https://HOST[:PORT]/PATH
      """,
    discussion: """
      FILE may be - for standard input, whose end ends the upload. A lost connection is made again, and the upload goes \
      on from the last byte that the server has. If the command itself is stopped, run it again: it keeps the key of \
      an unfinished upload in $XDG_STATE_HOME/sluice (or ~/.local/state/sluice), with a digest of what was sent. The later \
      run reads that part of the file again; if it is not the same, it gives the upload up and begins anew. What comes \
      from standard input, a pipe or a device, or has no size that can be trusted (in /proc and /sys), cannot be gone on \
      with; what is not complete of it is given up at the end.

      At an https:// URL the server chooses x-stream if it speaks that. Otherwise it is HTTP: resumable uploads (the IETF's \
      draft) where the server speaks them, else tus, both with all of the above; else one request, which cannot be gone on \
      with, and that is said. The key then is the upload's own URL. --buffer and --ack are for x-stream.

      With --json, standard output has one object a line for each file. Always: file, url, result (complete, refused \
      or interrupted), seconds. If complete: key, bytes, sent, resumedFrom, safe, connections, status 0, and digest and \
      reply if there are any, grownTo if the file has grown. Otherwise: error, message, and, if known, status, statusName, httpStatus, retryAfter, key, safe. The key \
      is a secret: whoever has it can go on with the upload.

      Several files are sent one after another; the first failure that is not for the file alone does not stop the \
      others, and the exit status is that of the worst.

      \(ExitStatus.help) 2 complete, but the file has grown since it was opened: the server has what it had then.
      """)

  @Argument(help: ArgumentHelp("Files, and the URL at the end.", valueName: "file... url"))
  var words: [String]

  @OptionGroup(title: "Connection")
  var connection: ConnectionOptions

  @Option(help: ArgumentHelp("The name to give the server (default: the file's). For one file.", valueName: "name"))
  var name: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Compute SHA-256 first and let the server compare (default: up to 64 MiB). Not for standard input.")
  var digest: Bool?

  @Option(help: ArgumentHelp("What the bytes are: bytes, text or json.", valueName: "format"))
  var format = "bytes"

  @Option(help: ArgumentHelp("The portion size to ask for, such as 64k.", valueName: "size"))
  var buffer = ByteCount(64 << 10)

  @Option(
    help: ArgumentHelp("Ask for word each time so many more bytes are safe (default: 8M, for - 2M).", valueName: "size")
  )
  var ack: ByteCount?

  @Option(
    help: ArgumentHelp(
      "Go on trying for so long without one more byte getting through: 30s, 10m, 2h. 0: try once.",
      valueName: "duration"))
  var retryFor = TimeSpan(.seconds(600))

  @Flag(name: .customLong("no-resume"), help: "Begin anew, and keep no key for a later run.")
  var noResume = false

  @Flag(name: .customLong("http-only"), help: "At an https:// URL speak HTTP, also where the server knows x-stream.")
  var httpOnly = false

  @Flag(help: "Print one JSON object for each file.")
  var json = false

  @Flag(name: .shortAndLong, help: "Show neither progress nor what goes wrong on the way.")
  var quiet = false

  func validate() throws {
    guard words.count >= 2 else { throw ValidationError("Name at least one file, and the URL at the end.") }
    let url = try UploadURL.last(of: words)
    if httpOnly, case .stream = url { throw ValidationError("--http-only is for https:// URLs.") }
    guard name == nil || words.count == 2 else { throw ValidationError("--name is for one file.") }
    guard name == nil || StreamName(label: name ?? "") != nil else {
      throw ValidationError("--name must not be empty or have control characters.")
    }
    guard ["bytes", "text", "json"].contains(format) else {
      throw ValidationError("--format has to be bytes, text or json.")
    }
    let files = words.dropLast()
    guard files.count(where: { $0 == "-" }) <= 1 else { throw ValidationError("Standard input can be sent once.") }
    guard digest != true || !files.contains("-") else {
      throw ValidationError("--digest needs to read the bytes twice, which standard input does not allow.")
    }
  }

  func run() async throws {
    let url = try UploadURL.last(of: words)
    let client = try connection.client()
    let files = FileArgument.list(words.dropLast())
    let work = Task { await sendAll(files, to: url, with: client) }
    let interruption = Interruption { work.cancel() }
    let status = await work.value
    withExtendedLifetime(interruption) {}
    guard status == .success else { throw status }
  }

  private func sendAll(_ files: [FileArgument], to url: UploadURL, with client: UploadClient) async -> ExitCode {
    var worst = ExitCode.success
    for file in files {
      let upload = FileUpload(command: self, file: file, url: url, client: client)
      let status = await upload.run()
      if status == ExitStatus.refused || worst == .success { worst = status }
      if Task.isCancelled { return worst }
    }
    return worst
  }
}
