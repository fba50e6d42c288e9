/// How a stream of unknown length gets what it needs: in steps ahead of its bytes, which grow with what has arrived. So one
/// that turns out to be short keeps nothing from others. Has no I/O.
struct GrantGrowth {
  /// Where what is reserved ends, in bytes from the stream's start. No byte behind it goes to the sink.
  private(set) var granted: Int64 = 0
  /// The most that the stream may have in all, in bytes.
  private(set) var limit: Int64
  private let steps: ClosedRange<Int64>
  /// Whether more is asked for at the moment.
  private(set) var isAsking = false
  /// The last answer was that there is no more. It is asked once more when the stream really needs it.
  private var wasRefused = false

  /// - Parameter steps: how many bytes are asked for at once.
  init(limit: Int64, steps: ClosedRange<Int64>) {
    self.limit = limit
    self.steps = steps
  }

  /// What is granted first to a stream of which `committed` bytes are there: where that ends.
  func first(from committed: Int64) -> Int64 {
    min(limit, committed.addingClamped(step(at: committed)))
  }

  /// The first grant, or that of a connection that goes on from `committed`. One that is less than what was asked for is all
  /// that there is: the client is told so, and asks again when it has sent it (protocol.md, section 4).
  mutating func leased(upTo end: Int64, from committed: Int64) {
    if end > committed, end < first(from: committed) { limit = end }
    granted = min(end, limit)
  }

  /// Where the grant shall end from now on, where it is time to ask for more.
  ///
  /// - Parameter received: bytes from the stream's start that have arrived.
  mutating func ask(at received: Int64) -> Int64? {
    guard !isAsking, granted < limit else { return nil }
    let step = step(at: received)
    guard received > granted || (!wasRefused && granted - received < step / 2) else { return nil }
    isAsking = true
    return min(limit, max(granted, received).addingClamped(step))
  }

  /// The answer to ``ask(at:)``.
  mutating func grew(to end: Int64) {
    isAsking = false
    wasRefused = false
    granted = min(max(granted, end), limit)
  }

  /// The answer to ``ask(at:)``, where there is no more.
  mutating func refused() {
    isAsking = false
    wasRefused = true
  }

  private func step(at received: Int64) -> Int64 {
    min(max(received, steps.lowerBound), steps.upperBound)
  }
}

extension Int64 {
  fileprivate func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
