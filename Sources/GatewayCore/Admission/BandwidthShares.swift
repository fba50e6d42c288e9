import NIOCore
import Synchronization

/// The bandwidth that the uploads of one route share: one bucket for all of them, and one for each client.
final class BandwidthShares: Sendable {
  private struct Buckets {
    var ofAll: TokenBucket?
    var ofClient: [String: TokenBucket] = [:]
  }

  /// Whether anything bounds the bandwidth.
  let isBounded: Bool
  private let rateOfAll: Int64?
  private let rateOfEachClient: Int64?
  private let buckets = Mutex(Buckets())

  /// Both rates are in bytes a second; `nil` is no bound.
  init(ofAll rateOfAll: Int64?, ofEachClient rateOfEachClient: Int64?) {
    self.rateOfAll = rateOfAll
    self.rateOfEachClient = rateOfEachClient
    self.isBounded = rateOfAll != nil || rateOfEachClient != nil
  }

  /// Whether these are its rates.
  func isOf(ofAll rateOfAll: Int64?, ofEachClient rateOfEachClient: Int64?) -> Bool {
    rateOfAll == self.rateOfAll && rateOfEachClient == self.rateOfEachClient
  }

  /// Takes `count` bytes from each of the buckets that bound the client; makes those that are not there, full.
  ///
  /// - Parameter subject: ``ClientIdentity/subject``.
  /// - Returns: how long to wait before the next bytes.
  func take(_ count: Int, for subject: String, now: NIODeadline) -> TimeAmount {
    guard isBounded else { return .zero }
    let now = Int64(clamping: now.uptimeNanoseconds)
    let wait = buckets.withLock { buckets in
      var wait: Int64 = 0
      if let rate = rateOfAll {
        var bucket = buckets.ofAll ?? TokenBucket(rate: rate, now: now)
        wait = bucket.take(count, now: now)
        buckets.ofAll = bucket
      }
      if let rate = rateOfEachClient {
        wait = max(wait, buckets.ofClient[subject, default: TokenBucket(rate: rate, now: now)].take(count, now: now))
      }
      return wait
    }
    return .nanoseconds(wait)
  }

  /// Forgets the buckets that are full: they say nothing that a new one would not.
  func forgetFull(at now: NIODeadline) {
    let now = Int64(clamping: now.uptimeNanoseconds)
    buckets.withLock { buckets in
      if buckets.ofAll?.isFull(at: now) == true { buckets.ofAll = nil }
      buckets.ofClient = buckets.ofClient.filter { !$0.value.isFull(at: now) }
    }
  }

  /// How many there are.
  var count: Int { buckets.withLock { $0.ofClient.count + ($0.ofAll == nil ? 0 : 1) } }
}
