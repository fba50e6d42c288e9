package import ConfigurationReading
import Forwarders
import Fronts
import GatewayCore
import NIOCore
import NIOPosix
import Synchronization
import TLSTransport

extension RunningGateway {
  /// What it runs with now.
  package var configuration: Configuration { parts.withLock { $0.configuration } }

  /// Takes another configuration, all of it in one step, but for what takes a restart. Connections and uploads go on under
  /// what they began with, those of clients whose certificate nobody vouches for any more excepted. Not to be called again
  /// before it returns.
  ///
  /// - Returns: what somebody should know: the warnings of a start, and what takes a restart.
  /// - Throws: `ConfigurationFaults`, after which the gateway runs as before.
  package func reload(_ wanted: Configuration) async throws -> [ConfigurationFault] {
    let (running, places) = parts.withLock { ($0.configuration, $0.places) }
    let plan = try ReloadPlan(from: running, places.mapValues(\.destination), to: wanted)
    let configuration = plan.configuration
    try confinement?.check(configuration)
    let frontSet = frontSet ?? .of(configuration)
    // Reading files and looking at disks may take long.
    let (context, sharedKeys, warnings) = try await NIOThreadPool.singleton.runIfActive { [ticketKeys] in
      try Preparation.ofReload(configuration, frontSet, ticketKeys)
    }
    let begun = try await begin(plan)
    let fronts = frontSet.make(gateway, FrontTimeouts(configuration.timeouts), logger)

    var retired: [PipeForwarder] = []
    let forwarders = zip(configuration.routes, plan.steps).map { entry, step -> any Forwarder in
      let path = entry.route.path
      if let new = begun[path] {
        if let pipe = places[path]?.forwarder as? PipeForwarder { retired.append(pipe) }
        return new
      }
      guard let former = places[path]?.forwarder else { preconditionFailure("a route has no place: \(path)") }
      guard case .store(var settings) = step, let store = former as? DirectoryStore else { return former }
      settings.window = Int(configuration.window)
      return store.taking(settings)
    }
    try await post.take(configuration)
    try judges.take(configuration)
    held.take(configuration)
    // Rights first: no connection that begins from here on is judged by those of before.
    gateway.publish(zip(configuration.routes, forwarders).map { (route: judges.route(of: $0), forwarder: $1) })
    departures.watch()
    let former = terms.current.context
    ticketKeys.share(sharedKeys)
    terms.publish(ConnectionTerms(configuration, context: context, fronts: fronts))
    try? adminTLS?.publish(AdminTLS.context(configuration))
    // Uploads that were judged meanwhile were judged by the certificates' former context.
    gateway.access.noteChange()
    parts.withLock { $0.take(configuration, forwarders) }
    retired.forEach { $0.retire() }
    if !context.trustsAsMuch(as: former) { endUntrusted(by: context) }
    return (warnings + plan.warnings).sorted { ($0.line, $0.column, $0.message) < ($1.line, $1.column, $1.message) }
  }

  /// Opens the places that there was no forwarder for, and brings them together with the ledger. Where one cannot be used,
  /// none is.
  private func begin(_ plan: ReloadPlan) async throws -> [String: any Forwarder] {
    let configuration = plan.configuration
    let places = parts.withLock { $0.places }
    let wanted = zip(configuration.routes, plan.steps).filter { _, step in
      switch step {
      case .begin, .pipe: true
      case .keep, .store: false
      }
    }.map { entry, _ in entry }
    guard !wanted.isEmpty else { return [:] }
    let begun = try await NIOThreadPool.singleton.runIfActive {
      [self] () throws -> [(route: Route, forwarder: any Forwarder)] in
      let stores = Set(wanted.filter { $0.destination.store != nil }.map(\.route.path))
      let claims = try StoreClaims(configuration, routes: stores)
      var begun: [(route: Route, forwarder: any Forwarder)] = []
      for entry in wanted {
        do {
          if let store = entry.destination.store { try StoreFolders.makeParents(of: store.directory) }
          let forwarder = try entry.makeForwarder(
            window: Int(configuration.window), memory: gateway.memory, ledger: ledger, claims: claims,
            threads: storeThreads, check: held.fileCheck(of: entry.path),
            succeeding: places[entry.route.path]?.forwarder as? PipeForwarder,
            eventLoops: eventLoops, logger: logger)
          begun.append((route: entry.route, forwarder: forwarder))
        } catch {
          Self.giveUp(begun.map(\.forwarder))
          guard let store = entry.destination.store else {
            throw StartFailure.faults("\(entry.route.path): \(error)", configuration, at: nil)
          }
          throw StartFailure.faults(error, configuration, path: store.directory)
        }
      }
      return begun
    }
    // A pipe has nothing to recover, and to look would break the streams that another one began.
    let new = begun.filter { $0.forwarder.traits.survivesRestart }
    do {
      if !new.isEmpty { try await gateway.recover(new: new, on: eventLoops.next()).log(to: logger) }
    } catch {
      Self.giveUp(begun.map(\.forwarder))
      throw StartFailure.faults("a store cannot be used: \(FailureDescription.of(error))", configuration, at: nil)
    }
    return Dictionary(begun.map { ($0.route.path, $0.forwarder) }, uniquingKeysWith: { first, _ in first })
  }

  /// Nothing has come to these yet.
  private static func giveUp(_ forwarders: [any Forwarder]) {
    for case let pipe as PipeForwarder in forwarders { pipe.retire() }
  }

  /// Ends the connections of clients that could not connect any more: as when the gateway stops, what has arrived is made
  /// safe, and who still may goes on over a new connection.
  private func endUntrusted(by context: TLSContext) {
    for channel in connections.open {
      channel.eventLoop.execute {
        guard let tls = try? channel.pipeline.syncOperations.handler(type: TLSHandler.self), !tls.isTrusted(by: context)
        else { return }
        channel.pipeline.fireUserInboundEventTriggered(GatewayIsStopping())
      }
    }
  }
}
