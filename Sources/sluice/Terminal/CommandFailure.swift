import ConfigurationReading
import FoundationEssentials

/// Ends the command with exit status 1 and a text for a person, which is printed as it is.
struct CommandFailure: LocalizedError {
  /// All of it.
  let text: String

  init(_ text: String) {
    self.text = "Error: " + text
  }

  /// Each fault begins with its file and line, where editors look for them.
  init(_ faults: ConfigurationFaults) {
    text = faults.description
  }

  var errorDescription: String? { text }
}
