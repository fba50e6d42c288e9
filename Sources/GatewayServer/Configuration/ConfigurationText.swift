import ConfigurationReading
import OperatingSystem

/// What a configuration was read from, and how to read it again.
struct ConfigurationText: Sendable {
  /// As it was then.
  var text = ""
  /// As it was named.
  var file = ""
  /// Absolute; `nil` for text that is in no file.
  var path: String?
  /// What relative paths count from.
  var base = "/"
}

extension Configuration {
  /// The files that it names and that may be renewed while the gateway runs: certificates, keys, tokens.
  var renewableFiles: [String] {
    Set(origin.paths.filter { !["state", "directory"].contains($0.key) }.map(\.path)).sorted()
  }

  /// The same text once more, with what its files have now. Blocks.
  ///
  /// - Throws: all faults at once.
  func readingFilesAgain() throws(ConfigurationFaults) -> Configuration {
    try Self.read(origin.text)
  }

  /// What its file has now, and what the files have that this names; without a file the same as ``readingFilesAgain()``.
  /// Blocks.
  ///
  /// - Throws: all faults at once.
  func readingAgain() throws(ConfigurationFaults) -> Configuration {
    var source = origin.text
    if let path = source.path { source.text = try Self.text(at: path, file: source.file) }
    return try Self.read(source)
  }
}
