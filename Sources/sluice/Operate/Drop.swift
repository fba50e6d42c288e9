import ArgumentParser

/// Drops an unfinished upload for its operator.
struct Drop: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have the running gateway drop an unfinished upload, and what it holds.",
    discussion: """
      UPLOAD is the first twelve characters of the upload's key, as the log, the live page and sluice uploads have them; a \
      whole key does as well. A client that is connected loses it, and one that comes back hears that its key is unknown. \
      Complete uploads are forgotten by sluice forget.
      """)

  /// How much of a key names an upload in logs.
  private static let labelLength = 12

  @Argument(help: ArgumentHelp("The upload.", valueName: "upload"))
  var uploads: [String]

  @OptionGroup var admin: AdminOptions

  func validate() throws {
    for upload in uploads where upload.utf8.count < Self.labelLength || !upload.allSatisfy(Self.isOfKey) {
      throw ValidationError("`\(upload)` is not the beginning of a key: write its first twelve characters.")
    }
  }

  func run() async throws {
    let connection = try admin.connection()
    for upload in uploads {
      let label = String(upload.prefix(Self.labelLength))
      let answer = try await connection.ask("/api/uploads/\(label)/drop", change: true)
      guard answer.isGood else { throw CommandFailure("\(label): \(answer.body.trimmedLines)") }
      Console.output("dropped \(label)")
    }
  }

  private static func isOfKey(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "-" || character == "_")
  }
}
