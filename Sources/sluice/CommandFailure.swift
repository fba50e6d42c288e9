import Foundation

/// Ends the command with exit status 1 and a text for a person, which is printed as it is.
struct CommandFailure: LocalizedError {
  let text: String

  init(_ text: String) {
    self.text = text
  }

  var errorDescription: String? { text }
}
