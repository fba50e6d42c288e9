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
  let connected: ConnectedUploads
  /// The bandwidth that the route's uploads share.
  let bandwidth: BandwidthShares
  /// How fast clients begin uploads.
  let begun: EventRates<String>
  /// What is counted of it.
  let meters: RouteMeters

  /// - Parameter former: the same route under earlier terms, whose uploads go on: they are counted with those of this one.
  ///   A bandwidth that is another by now is that of new connections alone.
  init(route: Route, forwarder: any Forwarder, succeeding former: RouteRuntime? = nil, shards: Int = 1) {
    self.meters = former?.meters ?? RouteMeters(shards: shards)
    self.route = route
    self.forwarder = forwarder
    self.traits = forwarder.traits
    self.connected = former?.connected ?? ConnectedUploads()
    self.begun = former?.begun ?? EventRates()
    let (ofAll, ofEachClient) = (route.limits.bandwidth, route.clientLimits.bandwidth)
    if let shares = former?.bandwidth, shares.isOf(ofAll: ofAll, ofEachClient: ofEachClient) {
      self.bandwidth = shares
    } else {
      self.bandwidth = BandwidthShares(ofAll: ofAll, ofEachClient: ofEachClient)
    }
  }

  /// What a complete upload counts, in bytes: never more than its own size, which is what was reserved.
  ///
  /// - Parameter stored: ``SinkResult/stored``.
  func charge(size: Int64, stored: Int64?) -> Int64 {
    guard traits.holdsFiles else { return 0 }
    return route.countsStored ? min(size, stored ?? size) : size
  }
}
