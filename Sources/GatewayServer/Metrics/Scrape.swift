import Forwarders
import GatewayCore
import Metrics
import OperatingSystem
import TLSTransport
import Synchronization

extension RunningGateway {
  /// All metrics as text. Blocks: it asks disks and the ledger.
  package func exposition() -> String {
    var out = Exposition()
    addRoutes(&out)
    addConnections(&out)
    addQuotas(&out)
    addStores(&out)
    addLedger(&out)
    addBackends(&out)
    addProcess(&out)
    return out.text
  }

  private func addRoutes(_ out: inout Exposition) {
    let routes = gateway.meters
    func each(_ family: MetricFamily, _ value: (RouteMeters) -> Int) {
      out.begin(family)
      for one in routes { out.sample(family, ["route": one.route], value(one.meters)) }
    }
    each(Families.received) { $0.received.value }
    each(Families.offered) { $0.offered.value }
    each(Families.resumed) { $0.resumed.value }
    out.begin(Families.ended)
    for one in routes {
      for outcome in CountedEnd.all {
        let count = one.meters.ends(as: outcome)
        // What has always happened is there from the start, so that its first time is seen as a change.
        guard count > 0 || outcome.status == .complete else { continue }
        let status = outcome.status.rawValue
        out.sample(Families.ended, ["route": one.route, "status": status, "reason": outcome.reason], count)
      }
    }
    out.begin(Families.refused)
    out.sample(Families.refused, ["route": "", "reason": Refusal.Kind.noRoute.word], gateway.refusedNowhere.value)
    for one in routes {
      for kind in Refusal.Kind.allCases {
        let count = one.meters.refusals(for: kind)
        if count > 0 { out.sample(Families.refused, ["route": one.route, "reason": kind.word], count) }
      }
    }
    out.begin(Families.open)
    for one in routes { out.sample(Families.open, ["route": one.route], one.connected) }
    func all(_ family: MetricFamily, _ histogram: (RouteMeters) -> Buckets) {
      out.begin(family)
      for one in routes { out.sample(family, ["route": one.route], histogram(one.meters).reading) }
    }
    all(Families.duration) { $0.durations }
    all(Families.size) { $0.sizes }
    all(Families.rate) { $0.rates }
  }

  private func addConnections(_ out: inout Exposition) {
    out.single(Families.connections, connections.count)
    out.single(Families.connectionLimit, configuration.connections)
    out.single(Families.accepted, meters.accepted.value)
    out.single(Families.turnedAway, meters.turnedAway.value)
    let tls = meters.tls
    out.begin(Families.handshakes)
    let kinds = [
      ("TLSv1.3", "false", tls.modern), ("TLSv1.3", "true", tls.modernResumed), ("TLSv1.2", "false", tls.older),
      ("TLSv1.2", "true", tls.olderResumed),
    ]
    for (version, resumed, counter) in kinds {
      out.sample(Families.handshakes, ["version": version, "resumed": resumed], counter.value)
    }
    out.begin(Families.failedHandshakes)
    for failure in TLSMeters.Failure.allCases {
      out.sample(Families.failedHandshakes, ["reason": failure.rawValue], tls.counter(failure).value)
    }
    out.single(Families.handshakeTime, tls.durations)
    out.begin(Families.certificateExpiry)
    for certificate in certificates {
      out.sample(
        Families.certificateExpiry, ["file": certificate.path, "name": certificate.name], certificate.expiresAt)
    }
    out.single(Families.memory, gateway.memory.bytesInUse)
    out.single(Families.connectionMemory, gateway.memory.bytesOfConnections)
    out.single(Families.memoryLimit, gateway.memory.limit)
  }

  private func addQuotas(_ out: inout Exposition) {
    let routes = configuration.routes.map(\.route)
    let quotas = quotaReadings.of(routes.map(\.path), in: LedgerFolder(configuration))
    func each(_ family: MetricFamily, _ value: (QuotaRecord) -> Int64) {
      out.begin(family)
      for route in routes {
        guard let quotas else { return }
        out.sample(family, ["route": route.path], quotas[route.path].map(value) ?? 0)
      }
    }
    each(Families.quotaUsed) { $0.used }
    each(Families.quotaReserved) { $0.reserved }
    out.begin(Families.quotaCap)
    for route in routes { out.sample(Families.quotaCap, ["route": route.path], route.limits.held) }
  }

  private func addStores(_ out: inout Exposition) {
    let stores = places.compactMap { place in
      (place.forwarder as? DirectoryStore).map { (route: place.route, store: $0, meters: $0.observer as? StoreMeters) }
    }
    let rooms = stores.map { try? $0.store.room() }
    out.begin(Families.storeFree)
    for (one, room) in zip(stores, rooms) {
      if let room { out.sample(Families.storeFree, ["route": one.route], room.free) }
    }
    out.begin(Families.storeReserved)
    for (one, room) in zip(stores, rooms) {
      if let room { out.sample(Families.storeReserved, ["route": one.route], room.reserved) }
    }
    func each(_ family: MetricFamily, _ histogram: (StoreMeters) -> Buckets) {
      out.begin(family)
      for one in stores {
        if let meters = one.meters { out.sample(family, ["route": one.route], histogram(meters).reading) }
      }
    }
    each(Families.syncTime) { $0.syncs }
    each(Families.syncFiles) { $0.files }
    each(Families.jobWait) { $0.waits }
    out.begin(Families.spaceRefused)
    for one in stores { out.sample(Families.spaceRefused, ["route": one.route], one.meters?.refusals.value ?? 0) }
  }

  private func addLedger(_ out: inout Exposition) {
    out.single(Families.commitTime, meters.ledger.times)
    out.single(Families.commitCalls, meters.ledger.calls)
    out.single(Families.commitFailures, meters.ledger.failures.value)
  }

  private func addBackends(_ out: inout Exposition) {
    let pipes = places.compactMap { place in
      (place.forwarder as? PipeForwarder).map { (route: place.route, pipe: $0, meters: $0.observer as? BackendMeters) }
    }
    out.begin(Families.backendUp)
    for one in pipes {
      for backend in one.pipe.backends {
        out.sample(Families.backendUp, ["route": one.route, "backend": "\(backend.address)"], backend.isUp ? 1 : 0)
      }
    }
    out.begin(Families.backendUploads)
    for one in pipes {
      for backend in one.pipe.backends {
        out.sample(Families.backendUploads, ["route": one.route, "backend": "\(backend.address)"], backend.uploads)
      }
    }
    out.begin(Families.backendOpened)
    for one in pipes {
      for backend in one.meters?.backends ?? [] {
        let name = "\(backend.address)"
        out.sample(
          Families.backendOpened, ["route": one.route, "backend": name, "result": "opened"], backend.opened.value)
        out.sample(
          Families.backendOpened, ["route": one.route, "backend": name, "result": "failed"], backend.failed.value)
      }
    }
    out.begin(Families.backendTime)
    for one in pipes {
      for backend in one.meters?.backends ?? [] {
        out.sample(
          Families.backendTime, ["route": one.route, "backend": "\(backend.address)"], backend.times.reading)
      }
    }
  }

  private func addProcess(_ out: inout Exposition) {
    out.begin(Families.loopLag)
    for (number, seconds) in loopLag.seconds.enumerated() {
      out.sample(Families.loopLag, ["loop": "\(number)"], seconds)
    }
    out.single(Families.loopLagTotal, loopLag.delays)
    out.begin(Families.reloads)
    out.sample(Families.reloads, ["result": "taken"], meters.reloadsTaken.value)
    out.sample(Families.reloads, ["result": "refused"], meters.reloadsRefused.value)
    out.single(Families.reloadTime, Double(meters.configuredAt.milliseconds) / 1000)
    out.single(Families.draining, isStopping ? 1 : 0)
    out.begin(Families.info)
    out.sample(Families.info, ["version": ReleaseVersion.number, "tls": TLSLibrary.version], 1)
    let process = ProcessReading.now()
    out.single(Families.cpu, process.cpu)
    out.single(Families.resident, process.residentMemory)
    out.single(Families.descriptors, process.descriptors)
    out.single(Families.descriptorLimit, process.descriptorLimit)
    out.single(Families.startTime, Double(meters.startedAt.milliseconds) / 1000)
  }

  /// Each place that there is a forwarder for.
  private var places: [(route: String, forwarder: any Forwarder)] {
    parts.withLock { parts in
      parts.places.map { (route: $0.key, forwarder: $0.value.forwarder) }.sorted { $0.route < $1.route }
    }
  }
}
