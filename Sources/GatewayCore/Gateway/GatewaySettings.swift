/// What is the same for all routes.
package struct GatewaySettings: Sendable {
  /// Bytes of one upload that may be received and not yet passed on.
  package var window: Int
  /// The same for all uploads together.
  package var memory: Int
  /// This process's own name in the ledger's leases.
  package var holder: String
  /// The calendar.
  package var now: @Sendable () -> WallTime
  /// How many bytes more a stream of unknown length reserves at once: as many as have arrived, within these.
  package var growth: ClosedRange<Int64>
  /// Whether somebody still needs the file of a complete upload, however old it is: what has to look at it, or to hear of it.
  package var isNeeded: @Sendable (UploadRecord) -> Bool = { _ in false }

  /// So that few streams have to wait for more, and none keeps much from others.
  package static let growth: ClosedRange<Int64> = (16 << 20)...(1 << 30)

  /// All of it.
  package init(
    window: Int, memory: Int, holder: String, growth: ClosedRange<Int64> = Self.growth,
    now: @escaping @Sendable () -> WallTime
  ) {
    self.window = window
    self.memory = memory
    self.holder = holder
    self.now = now
    self.growth = growth
  }

  /// When a payload is dropped whose gateway died under it, in milliseconds.
  static let payloadExpiry: Int64 = 60_000

  /// Bytes after which a checkpoint is due where the front's protocol asks for none. Where nobody could go on after a
  /// restart, time alone is a reason for one: it is how the operator sees the upload move.
  static func checkpointEvery(_ traits: ForwarderTraits) -> Int64 {
    traits.survivesRestart ? 64 << 20 : .max
  }
}

extension Duration {
  /// Whole milliseconds, held within what 64 bits can say.
  var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, isOver) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
    return isOver ? (seconds < 0 ? .min : .max) : sum
  }
}
