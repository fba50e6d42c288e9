import NIOCore

/// What is the same for all routes.
public struct GatewaySettings: Sendable {
  /// Bytes of one upload that may be received and not yet passed on.
  public var window: Int
  /// The same for all uploads together.
  public var memory: Int
  /// This process's own name in the ledger's leases.
  public var holder: String
  /// The calendar.
  public var now: @Sendable () -> WallTime

  /// All of it.
  public init(window: Int, memory: Int, holder: String, now: @escaping @Sendable () -> WallTime) {
    self.window = window
    self.memory = memory
    self.holder = holder
    self.now = now
  }

  /// When a payload is dropped whose gateway died under it, in milliseconds.
  static let payloadExpiry: Int64 = 60_000

  /// Bytes after which a checkpoint is due. Acknowledgements may be spaced wider than asked, up to 8 MiB
  /// (protocol.md, section 4): closer than 1 MiB the syncs would cost more than the bytes. The upper bound is half of
  /// that, because while one checkpoint is made the bytes for the next already arrive.
  ///
  /// Where nobody could go on after a restart and nobody wants acknowledgements, time alone is a reason for one: it is
  /// how the operator sees the upload move.
  func checkpointEvery(acknowledgeEvery: Int64?, outlivesGateway: Bool) -> Int64 {
    guard let acknowledgeEvery else { return outlivesGateway ? 64 << 20 : .max }
    return min(max(acknowledgeEvery, 1 << 20), 4 << 20)
  }

  /// How long bytes may wait for a checkpoint that is not due.
  func quietBeforeCheckpoint(acknowledges: Bool) -> TimeAmount {
    acknowledges ? .milliseconds(50) : .seconds(1)
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
