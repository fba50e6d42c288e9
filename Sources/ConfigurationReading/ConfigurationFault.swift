/// One thing that is wrong with a configuration, or worth a word.
package struct ConfigurationFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// What follows from it.
  package enum Severity: String, Hashable, Sendable {
    /// The gateway does not start.
    case error
    /// The gateway starts, but somebody should know.
    case warning
  }

  /// What follows from it.
  package var severity: Severity
  /// The file that has to be changed, as it was named; the configuration itself, or a file that it names.
  package var file: String
  /// From 1; 0 where the file as a whole is meant.
  package var line: Int
  /// From 1, in Unicode scalars; 0 where the line or the file as a whole is meant.
  package var column: Int
  /// What is wrong.
  package var message: String
  /// What to write or do instead; empty where the message says it already.
  package var hint: String

  /// All of it.
  package init(
    _ severity: Severity = .error, file: String, line: Int, column: Int, message: String, hint: String
  ) {
    self.severity = severity
    self.file = file
    self.line = line
    self.column = column
    self.message = message
    self.hint = hint
  }

  /// Two lines: `FILE:LINE:COLUMN: error: MESSAGE`, and the hint.
  package var description: String {
    "\(position): \(severity): \(Self.printable(message))" + (hint.isEmpty ? "" : "\n  hint: \(Self.printable(hint))")
  }

  /// `FILE:LINE:COLUMN`, as far as there are any.
  package var position: String {
    var position = file
    if line > 0 { position += ":\(line)" }
    if line > 0, column > 0 { position += ":\(column)" }
    return Self.printable(position)
  }

  // YAML's escapes can put newlines and a terminal's commands into words that messages repeat.
  private static func printable(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isControl = scalar.properties.generalCategory == .control
      scalars.append(isControl ? "\u{FFFD}" : scalar)
    }
    return String(scalars)
  }
}

/// Everything that is wrong with a configuration, so that it can be put right in one go.
package struct ConfigurationFaults: Error, Hashable, Sendable, CustomStringConvertible {
  /// Never empty. Those of the configuration file come first; in each file they are in the order of its lines.
  package let faults: [ConfigurationFault]

  package init(_ faults: [ConfigurationFault], mainFile: String) {
    self.faults = faults.sorted { left, right in
      if left.file != right.file {
        return left.file == mainFile || (right.file != mainFile && left.file < right.file)
      }
      return (left.line, left.column, left.message) < (right.line, right.column, right.message)
    }
  }

  /// Plain text for a terminal: for each fault `FILE:LINE:COLUMN: error: MESSAGE` and, on a line of its own, a hint.
  package var description: String { faults.map(\.description).joined(separator: "\n") }
}
