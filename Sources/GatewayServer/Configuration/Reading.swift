/// A position in a file. Both count from 1, columns in Unicode scalars.
struct Place: Hashable {
  var line: Int
  var column: Int

  static let start = Place(line: 1, column: 1)
}

/// One pass over one configuration: what relative paths count from, and the faults found so far.
///
/// Readers note a fault here and go on with a default, so that one pass finds them all.
final class Reading {
  /// The configuration file, as it was named.
  let file: String
  /// The configuration file's own place; `nil` for text that is in no file.
  let path: String?
  /// Absolute.
  let base: String
  /// Whether the files and folders that are named must be there.
  let checksFiles: Bool
  /// Keys that ``YAMLDocument`` hid because they stand twice, by what they were replaced with.
  var hiddenKeys: [String: String] = [:]
  private(set) var faults: [ConfigurationFault] = []

  init(file: String, path: String?, base: String, checksFiles: Bool) {
    self.file = file
    self.path = path
    self.base = base
    self.checksFiles = checksFiles
  }

  func note(_ message: String, hint: String, at place: Place) {
    note(ConfigurationFault(file: file, line: place.line, column: place.column, message: message, hint: hint))
  }

  func note(_ fault: ConfigurationFault) {
    faults.append(fault)
  }

  /// `path` as it is from anywhere.
  func absolute(_ path: String) -> String {
    FilePlace.absolute(path, from: base)
  }

  /// The same, for text that may be no path at all.
  func absolute(checking text: String) throws(ValueFault) -> String {
    guard !text.isEmpty, !text.unicodeScalars.contains("\0") else {
      throw ValueFault(message: text.isEmpty ? "the path is empty" : "a path has no NUL", hint: "write a path")
    }
    return absolute(text)
  }
}
