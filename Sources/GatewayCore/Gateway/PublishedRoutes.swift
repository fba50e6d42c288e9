import Synchronization

/// The routes as they are now, and what is left of those before.
struct PublishedRoutes {
  /// Judges whatever comes from now on.
  private(set) var gatekeeper: Gatekeeper
  /// All routes that there ever were, by path and under their last terms: uploads of one that is configured no more go on
  /// to their end, and are dropped from its store when they expire.
  private(set) var runtimes: [String: RouteRuntime]
  /// The longest that ever counted, in milliseconds.
  private(set) var longestWindow: Int64 = 0
  /// Who may upload where: to a route that is configured no more, whoever might under its last terms.
  let access = PublishedAccess([:])

  /// Event loops.
  private let shards: Int

  init(_ destinations: [(route: Route, forwarder: any Forwarder)], shards: Int) {
    self.shards = shards
    gatekeeper = Gatekeeper(routes: [], access: access)
    runtimes = [:]
    publish(destinations)
  }

  mutating func publish(_ destinations: [(route: Route, forwarder: any Forwarder)]) {
    let routes = destinations.map { route, forwarder in
      RouteRuntime(route: route, forwarder: forwarder, succeeding: runtimes[route.path], shards: shards)
    }
    gatekeeper = Gatekeeper(routes: routes, access: access)
    for runtime in routes { runtimes[runtime.route.path] = runtime }
    access.publish(runtimes.mapValues(\.route.access))
    longestWindow = max(longestWindow, destinations.map(\.route.longestWindow).max() ?? 0)
  }
}

extension Gateway {
  /// Judges requests by what is configured now.
  var gatekeeper: Gatekeeper { published.withLock { $0.gatekeeper } }

  /// ``PublishedRoutes/runtimes``.
  var runtimes: [String: RouteRuntime] { published.withLock { $0.runtimes } }

  /// In milliseconds.
  var longestWindow: Int64 { published.withLock { $0.longestWindow } }

  /// Judges every request from now on by these routes alone, in one step. An upload that a connection has goes on under the
  /// terms that it began with; who resumes one is judged by the new ones.
  ///
  /// - Parameter destinations: each route with where its bytes go; each path once. The forwarder of a path that there was
  ///   before knows the unfinished uploads of the one before it.
  package func publish(_ destinations: [(route: Route, forwarder: any Forwarder)]) {
    published.withLock { $0.publish(destinations) }
  }
}
