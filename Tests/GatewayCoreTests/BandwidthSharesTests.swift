import NIOCore
import Testing

@testable import GatewayCore

@Suite("The bandwidth that a route's uploads share")
struct BandwidthSharesTests {
  @Test("is forgotten of clients that are gone once their buckets are full, and not before")
  func forgets() {
    let slow = BandwidthShares(ofAll: nil, ofEachClient: 1000)
    let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    #expect(slow.take(1000, for: "alice", now: start) == .milliseconds(750))
    #expect(slow.take(500, for: "bob", now: start) == .milliseconds(250))
    #expect(slow.count == 2)
    slow.forgetFull(at: start + .milliseconds(500))
    #expect(slow.count == 1)
    // Coming back early gains nothing.
    #expect(slow.take(0, for: "alice", now: start + .milliseconds(500)) == .milliseconds(250))
    slow.forgetFull(at: start + .milliseconds(1000))
    #expect(slow.count == 0)
  }

  @Test("makes a client wait for the longer of its own bucket's time and the route's")
  func both() {
    let shares = BandwidthShares(ofAll: 1500, ofEachClient: 1000)
    let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    #expect(shares.take(1000, for: "alice", now: now) == .milliseconds(750))
    #expect(shares.take(1000, for: "bob", now: now) == .nanoseconds(1_083_333_334))
    #expect(shares.count == 3)
    shares.forgetFull(at: now + .milliseconds(1_083))
    #expect(shares.count == 1, "the route owes still")
    shares.forgetFull(at: now + .milliseconds(1_334))
    #expect(shares.count == 0)
  }

  @Test("is not counted where nothing bounds it")
  func unbounded() {
    let shares = BandwidthShares(ofAll: nil, ofEachClient: nil)
    #expect(!shares.isBounded)
    #expect(shares.take(.max, for: "alice", now: .now()) == .zero)
    #expect(shares.count == 0)
    #expect(BandwidthShares(ofAll: 1, ofEachClient: nil).isBounded)
    #expect(BandwidthShares(ofAll: nil, ofEachClient: 1).isBounded)
  }

  @Test("of one route is nothing to another's")
  func perRoute() {
    let (one, other) = (
      BandwidthShares(ofAll: 1000, ofEachClient: nil), BandwidthShares(ofAll: 1000, ofEachClient: nil)
    )
    let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    #expect(one.take(1000, for: "alice", now: now) == .milliseconds(750))
    #expect(other.take(250, for: "alice", now: now) == .zero)
  }
}
