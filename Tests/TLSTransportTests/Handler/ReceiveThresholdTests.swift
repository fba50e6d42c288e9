import NIOCore
import Testing

@testable import TLSTransport

@Suite("A receive threshold")
struct ReceiveThresholdTests {
  private static let piece = 64 << 10
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

  /// Pieces of 64 KiB, `interval` apart, until the threshold changes or `count` have come.
  private func feed(
    _ threshold: inout ReceiveThreshold, _ count: Int, every interval: TimeAmount
  ) -> ReceiveThreshold.Change {
    for index in 0..<count {
      let change = threshold.received(Self.piece, now: start + .nanoseconds(interval.nanoseconds * Int64(index)))
      if change != .none { return change }
    }
    return .none
  }

  @Test("is raised while bytes come in full flow, and never for a sender that is slower")
  func fullFlow() {
    var threshold = ReceiveThreshold()
    threshold.expected = 1 << 30
    #expect(feed(&threshold, 1000, every: .microseconds(50)) == .raise)
    #expect(threshold.isRaised)
    var slow = ReceiveThreshold()
    slow.expected = 1 << 30
    #expect(feed(&slow, 1000, every: .milliseconds(1)) == .none)
  }

  @Test("is lowered before the last bytes that are expected, so that they wait for nothing")
  func lastBytes() {
    var threshold = ReceiveThreshold()
    threshold.expected = 16 << 20
    #expect(feed(&threshold, 200, every: .zero) == .raise)
    #expect(feed(&threshold, 200, every: .zero) == .lower)
    #expect(threshold.expected >= Int64(ReceiveThreshold.bulk))
    #expect(threshold.expected <= 2 * Int64(ReceiveThreshold.bulk))
    #expect(feed(&threshold, 200, every: .zero) == .none)
  }

  @Test("is lowered when nothing came from one look to the next")
  func stall() {
    var threshold = ReceiveThreshold()
    threshold.expected = 1 << 30
    #expect(feed(&threshold, 200, every: .zero) == .raise)
    #expect(threshold.look(now: start) == .none)
    #expect(threshold.received(1, now: start) == .none)
    #expect(threshold.look(now: start) == .none)
    #expect(threshold.look(now: start) == .lower)
    #expect(threshold.look(now: start) == .none)
  }

  @Test("is never raised where nobody said that bytes are expected")
  func nothingExpected() {
    var threshold = ReceiveThreshold()
    #expect(feed(&threshold, 1000, every: .zero) == .none)
  }
}
