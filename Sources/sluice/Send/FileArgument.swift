import OperatingSystem
import XStreamClient

/// A file as the command line names it. What is not UTF-8 in it has been repaired in the word that the parser hands
/// out, and such a file cannot be opened by that.
struct FileArgument: Sendable {
  /// For people.
  let text: String
  let path: LocalPath

  var isStandardInput: Bool { text == "-" }

  /// The name for people, without the folders.
  var name: String { path.name.description }

  /// Finds the words' own bytes again.
  ///
  /// - Parameter words: in the order of the command line.
  static func list(_ words: some Sequence<String>) -> [FileArgument] {
    var raw: [String: [[UInt8]]] = [:]
    for argument in CommandLineWords.bytes where String(validating: argument, as: UTF8.self) == nil {
      raw[String(decoding: argument, as: UTF8.self), default: []].append(argument)
    }
    return words.map { word in
      guard let bytes = raw[word]?.first else { return FileArgument(text: word, path: LocalPath(word)) }
      // Two names may look the same when they are repaired.
      raw[word]?.removeFirst()
      return FileArgument(text: word, path: LocalPath(bytes: bytes))
    }
  }
}
