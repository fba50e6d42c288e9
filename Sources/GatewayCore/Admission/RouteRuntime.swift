/// A route as it runs: its terms, where its bytes go, and what its uploads share. An admission holds it, so that nothing is
/// looked up by path twice.
final class RouteRuntime: Sendable {
  /// The terms.
  let route: Route
  /// Where the bytes go.
  let forwarder: any Forwarder
  /// What the forwarder can do.
  let traits: ForwarderTraits
  /// The uploads that connections have now.
  let connected = ConnectedUploads()
  /// The bandwidth that the route's uploads share.
  let bandwidth: BandwidthShares

  init(route: Route, forwarder: any Forwarder) {
    self.route = route
    self.forwarder = forwarder
    self.traits = forwarder.traits
    self.bandwidth = BandwidthShares(ofAll: route.limits.bandwidth, ofEachClient: route.clientLimits.bandwidth)
  }

  /// What a complete upload counts, in bytes: never more than its own size, which is what was reserved.
  ///
  /// - Parameter stored: ``SinkResult/stored``.
  func charge(size: Int64, stored: Int64?) -> Int64 {
    guard traits.holdsFiles else { return 0 }
    return route.countsStored ? min(size, stored ?? size) : size
  }
}
