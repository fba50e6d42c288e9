/// Decides, from one look at a gateway's parts after the other, whether its service manager hears that it lives.
struct WatchdogMachine {
  /// How long one of them may owe an answer.
  let patience: Duration
  private var isSilent = false

  init(patience: Duration) {
    self.patience = patience
  }

  /// What a look leads to.
  enum Verdict: Equatable {
    /// The manager hears so.
    case alive
    /// The same, and the log says that it is over.
    case aliveAgain
    /// The manager hears nothing, and the log says of whom.
    case fellSilent([Liveness.Part])
    /// The manager hears nothing.
    case stillSilent
  }

  mutating func see(_ liveness: Liveness) -> Verdict {
    let silent = liveness.silent(for: patience)
    defer { isSilent = !silent.isEmpty }
    switch (silent.isEmpty, isSilent) {
    case (true, false): return .alive
    case (true, true): return .aliveAgain
    case (false, false): return .fellSilent(silent)
    case (false, true): return .stillSilent
    }
  }
}
