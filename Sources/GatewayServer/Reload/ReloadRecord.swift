import FoundationEssentials

/// What came of a gateway's last reload, for `sluice reload` in another process: the file `reload` in the state folder.
package struct ReloadRecord: Hashable, Sendable {
  /// How it ended.
  package enum Outcome: String, Sendable {
    /// The gateway runs with what was written; also after a start.
    case taken
    /// It runs with what it had before.
    case refused
    /// It ends, and takes nothing any more.
    case stopping
  }

  /// Counts the reloads of one process from 0, its start.
  package var number: Int
  /// How it ended.
  package var outcome: Outcome
  /// Whether somebody asked for it, or for its end; else a file had changed.
  package var isAsked: Bool
  /// What a person should know.
  package var words: [String]

  package static func path(in state: String) -> String { state + "/reload" }

  /// - Returns: `nil` where there is none.
  package init?(in state: String) {
    guard let data = FileManager.default.contents(atPath: Self.path(in: state)) else { return nil }
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    let head = lines.first?.split(separator: " ") ?? []
    guard head.count == 3, let number = Int(head[0]), let outcome = Outcome(rawValue: String(head[1])) else {
      return nil
    }
    self.init(
      number: number, outcome: outcome, isAsked: head[2] == "asked",
      words: lines.dropFirst().filter { !$0.isEmpty }.map(String.init))
  }

  init(number: Int, outcome: Outcome, isAsked: Bool, words: [String]) {
    self.number = number
    self.outcome = outcome
    self.isAsked = isAsked
    self.words = words
  }

  /// Readers see all of it or the one before. Nothing depends on it but who waits for it, so a full disk may spoil it.
  func write(in state: String) {
    let text = (["\(number) \(outcome.rawValue) \(isAsked ? "asked" : "file")"] + words).joined(separator: "\n") + "\n"
    try? Data(text.utf8).write(to: URL(fileURLWithPath: Self.path(in: state)), options: .atomic)
  }
}
