import NIOCore

/// How long bytes may wait for a checkpoint that is not due.
///
/// A checkpoint costs a sync of the file and a commit, however few bytes it makes safe: a client that drips a byte a second
/// would have one each second, and two thousand of them all of the disk. So whoever brings next to nothing again and again
/// waits twice as long each time. What the client hears of as safe is as safe as ever, only later.
struct QuietPace {
  /// A checkpoint of fewer bytes makes next to nothing safe.
  static let little: Int64 = 64 << 10

  private var littleInARow = 0

  /// A checkpoint of so many bytes is made.
  ///
  /// - Parameter isQuiet: whether only because they had waited long enough.
  mutating func made(of count: Int64, isQuiet: Bool) {
    littleInARow = isQuiet && count < Self.little ? littleInARow + 1 : 0
  }

  /// - Parameter acknowledges: whether the client waits to hear of it. Some send the next bytes only then.
  func delay(acknowledges: Bool) -> TimeAmount {
    let (first, longest, free): (Int64, Int64, Int) = acknowledges ? (50, 5000, 16) : (1000, 30_000, 2)
    return .milliseconds(min(longest, first << Int64(min(10, max(0, littleInARow - free)))))
  }
}
