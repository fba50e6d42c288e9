import Foundation

/// Ends the command with exit status 1 and a text for a person, which is printed as it is.
struct CommandFailure: LocalizedError {
  let text: String

  init(_ text: String) {
    self.text = text
  }

  var errorDescription: String? { text }
}

/// What was printed becomes visible at once, also where standard output is a pipe or a file.
func flushStandardOutput() {
  fflush(nil)
}
