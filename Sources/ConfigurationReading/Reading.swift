/// A position in a file. Both count from 1, columns in Unicode scalars.
package struct Place: Hashable, Sendable {
  package var line: Int
  package var column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  package static let start = Place(line: 1, column: 1)
}

/// A file or a folder that a configuration names.
package struct NamedPath: Hashable, Sendable {
  package var key: String
  /// Absolute.
  package var path: String
  package var place: Place
}

/// One pass over one configuration: what relative paths count from, and the faults found so far.
///
/// Readers note a fault here and go on with a default, so that one pass finds them all.
package final class Reading {
  /// The configuration file, as it was named.
  package let file: String
  /// The configuration file's own place; `nil` for text that is in no file.
  package let path: String?
  /// Absolute.
  package let base: String
  /// Whether the files and folders that are named must be there.
  package let checksFiles: Bool
  package private(set) var faults: [ConfigurationFault] = []
  /// The files and folders that are named, in the order in which they were read.
  package private(set) var paths: [NamedPath] = []

  package init(file: String, path: String?, base: String, checksFiles: Bool) {
    self.file = file
    self.path = path
    self.base = base
    self.checksFiles = checksFiles
  }

  package func note(_ message: String, hint: String, at place: Place) {
    note(ConfigurationFault(file: file, line: place.line, column: place.column, message: message, hint: hint))
  }

  package func note(_ fault: ConfigurationFault) {
    faults.append(fault)
  }

  /// Keeps where a file or a folder is named, for what turns out to be wrong with it later.
  package func remember(_ key: String, _ path: Setting<String>?) {
    if let path { paths.append(NamedPath(key: key, path: path.value, place: path.place)) }
  }

  /// `path` as it is from anywhere.
  package func absolute(_ path: String) -> String {
    FilePlace.absolute(path, from: base)
  }

  /// The same, for text that may be no path at all.
  package func absolute(checking text: String) throws(ValueFault) -> String {
    guard !text.isEmpty, !text.unicodeScalars.contains("\0") else {
      throw ValueFault(message: text.isEmpty ? "the path is empty" : "a path has no NUL", hint: "write a path")
    }
    if let fault = FilePlace.faultOfShellWords(text) { throw fault }
    return absolute(text)
  }
}
