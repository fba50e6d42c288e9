/// Why the client of an upload must wait. It goes on when no reason is left.
struct UploadPauses {
  struct Reasons: OptionSet {
    let rawValue: UInt8
    /// The upload has its window received and not yet consumed by the sink.
    static let window = Reasons(rawValue: 1)
    /// All uploads together have as much as they may.
    static let memory = Reasons(rawValue: 2)
    /// The client, or the route, had its bytes for now.
    static let bandwidth = Reasons(rawValue: 4)
    /// More has arrived than was granted.
    static let grant = Reasons(rawValue: 8)

    /// What the sink ends by consuming bytes.
    static let ofSink: Reasons = [.window, .memory]
  }

  private var reasons: Reasons = []

  /// Bytes have come.
  ///
  /// - Returns: whether the client must wait from now on.
  mutating func received(isWindowFull: Bool, isMemoryShort: Bool) -> Bool {
    guard reasons.isDisjoint(with: .ofSink) else { return false }
    var found: Reasons = []
    if isWindowFull { found.insert(.window) }
    if isMemoryShort { found.insert(.memory) }
    return !found.isEmpty && begin(found)
  }

  /// - Returns: whether these are the first reasons.
  mutating func begin(_ more: Reasons) -> Bool {
    let isFirst = reasons.isEmpty
    reasons.formUnion(more)
    return isFirst
  }

  /// - Returns: whether one of these was a reason, and no other is left.
  mutating func end(_ ended: Reasons) -> Bool {
    guard !reasons.isDisjoint(with: ended) else { return false }
    reasons.subtract(ended)
    return reasons.isEmpty
  }
}
