import NIOCore
import Synchronization

/// The bandwidth that uploads share: one bucket for each route that has a bound, and one for each client of a route.
final class BandwidthShares: Sendable {
  /// Whose bucket it is.
  struct Name: Hashable {
    var route: String
    /// Empty for the route itself.
    var subject: String
  }

  private let buckets = Mutex<[Name: TokenBucket]>([:])

  /// Takes `count` bytes from each of the buckets that bound them; makes those that are not there, full.
  ///
  /// - Parameter bounds: the names, and their rates in bytes a second.
  /// - Returns: how long to wait before the next bytes.
  func take(_ count: Int, _ bounds: [(name: Name, rate: Int64)], now: NIODeadline) -> TimeAmount {
    let now = Int64(clamping: now.uptimeNanoseconds)
    let wait = buckets.withLock { buckets in
      bounds.reduce(into: Int64(0)) { wait, bound in
        wait = max(wait, buckets[bound.name, default: TokenBucket(rate: bound.rate, now: now)].take(count, now: now))
      }
    }
    return .nanoseconds(wait)
  }

  /// Forgets the buckets that are full: they say nothing that a new one would not.
  func forgetFull(at now: NIODeadline) {
    let now = Int64(clamping: now.uptimeNanoseconds)
    buckets.withLock { buckets in
      buckets = buckets.filter { !$0.value.isFull(at: now) }
    }
  }

  /// How many there are.
  var count: Int { buckets.withLock { $0.count } }
}

extension Admission {
  /// What bounds the bandwidth of this upload.
  var bandwidthBounds: [(name: BandwidthShares.Name, rate: Int64)] {
    var bounds: [(name: BandwidthShares.Name, rate: Int64)] = []
    if let rate = route.limits.bandwidth {
      bounds.append((BandwidthShares.Name(route: route.path, subject: ""), rate))
    }
    if let rate = route.clientLimits.bandwidth {
      bounds.append((BandwidthShares.Name(route: route.path, subject: identity.subject), rate))
    }
    return bounds
  }
}
