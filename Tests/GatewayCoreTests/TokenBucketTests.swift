import NIOCore
import Testing

@testable import GatewayCore

@Suite("A token bucket")
struct TokenBucketTests {
  private let second: Int64 = 1_000_000_000

  @Test("gives a quarter of a second at once, and asks to wait for exactly what is beyond")
  func burst() {
    var bucket = TokenBucket(rate: 1000, now: 0)
    #expect(bucket.take(250, now: 0) == 0)
    #expect(bucket.take(1, now: 0) == 1_000_000)
    #expect(bucket.take(999, now: 0) == second)
    #expect(bucket.take(0, now: second) == 0)
    #expect(!bucket.isFull(at: second + second / 4 - 1))
    #expect(bucket.isFull(at: second + second / 4))
  }

  @Test("saves up no more than a quarter of a second")
  func idle() {
    var bucket = TokenBucket(rate: 1000, now: 0)
    #expect(bucket.take(250, now: 100 * second) == 0)
    #expect(bucket.take(250, now: 100 * second) == second / 4)
  }

  @Test(
    "lets through its rate to the byte, over however many streams, portions and late timers",
    arguments: [1, 2, 7], [1000, 1_048_576, 123_456_789] as [Int64])
  func exact(streams: Int, rate: Int64) {
    var random = SeededGenerator(seed: UInt64(streams) &+ UInt64(rate))
    var bucket = TokenBucket(rate: rate, now: 0)
    var free = [Int64](repeating: 0, count: streams)
    var taken = [Int64](repeating: 0, count: streams)
    let end = 20 * second
    let portion = Int(max(1, rate / 50))
    // Each comes back when it was told to, or up to 10 ms later.
    while let next = free.indices.min(by: { free[$0] < free[$1] }), free[next] < end {
      let now = free[next]
      let count = Int.random(in: 1...portion, using: &random)
      taken[next] += Int64(count)
      free[next] = now + bucket.take(count, now: now) + Int64.random(in: 0...10_000_000, using: &random)
    }
    let total = taken.reduce(0, +)
    let most = rate * 20 + rate / 4 + Int64(portion * streams)
    #expect(total <= most)
    #expect(total >= rate * 20 - Int64(portion))
    // What one stream has of it differs little from what another has.
    let share = total / Int64(streams)
    #expect(taken.allSatisfy { abs($0 - share) < share / 5 })
  }

  @Test("many small portions cost no less than a large one")
  func rounding() {
    var bucket = TokenBucket(rate: 3_000_000_000, now: 0)
    for _ in 0..<3_000_000 { _ = bucket.take(1, now: 0) }
    #expect(bucket.take(0, now: 0) >= 1_000_000 - TokenBucket.burst)
    #expect(bucket.take(750_000_000, now: 0) > 0)
  }

  @Test("takes the largest numbers without a trap")
  func extremes() {
    var slow = TokenBucket(rate: 1 << 16, now: 0)
    #expect(slow.take(1 << 40, now: 0) > 0)
    var fast = TokenBucket(rate: 1 << 40, now: .max / 2)
    #expect(fast.take(1 << 36, now: .max / 2) == 0)
  }
}
