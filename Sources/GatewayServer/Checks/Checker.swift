import Forwarders

/// Somebody who looks at a whole file and says whether it may be kept.
protocol Checker: Sendable {
  /// What it says of the file, or why it says nothing. Takes no longer than `limit`.
  func look(at file: FileToCheck, within limit: Duration) async -> CheckAnswer

  /// Nothing more is asked; what is under way goes on.
  func retire()

  /// Ends what is under way: its answers come at once.
  func stop()
}

/// What a ``Checker`` says.
enum CheckAnswer: Hashable, Sendable {
  /// Nothing is wrong with the file.
  case clean
  /// What was found.
  case found(String)
  /// It cannot say.
  case silent(String)
}
