import Forwarders
import GatewayCore
import Logging
import Metrics
import NIOCore
import TextForms
import Synchronization

extension RunningGateway {
  /// How it all stands, as JSON for the live page and other programs. Blocks: it asks disks and the ledger.
  func liveState() -> String {
    let now = WallTime.now()
    var state: Logger.Metadata = [:]
    state["version"] = "\(ReleaseVersion.number)"
    state["name"] = "\(configuration.name)"
    state["now"] = .stringConvertible(now.milliseconds)
    state["started"] = .stringConvertible(meters.startedAt.milliseconds)
    state["draining"] = .stringConvertible(isStopping)
    state["connections"] = .stringConvertible(connections.count)
    state["connectionLimit"] = .stringConvertible(configuration.connections)
    state["memory"] = .stringConvertible(gateway.memory.bytesInUse)
    state["memoryLimit"] = .stringConvertible(gateway.memory.limit)
    state["step"] = .stringConvertible(History.every.nanoseconds / 1_000_000_000)
    state["history"] = .array(history.steps.map(\.value))
    state["uploads"] = .array(gateway.live.all.map { $0.value(at: now) })
    state["routes"] = .array(routeValues())
    state["refusals"] = .array(gateway.recentRefusals.all.map(\.value))
    return MetadataText.object(state)
  }

  private func routeValues() -> [Logger.MetadataValue] {
    let routes = configuration.routes.map(\.route)
    let quotas = quotaReadings.of(routes.map(\.path), in: LedgerFolder(configuration)) ?? [:]
    let counts = gateway.meters
    let places = parts.withLock { $0.places }
    return routes.map { route in
      var value: Logger.Metadata = [:]
      value["path"] = "\(route.path)"
      value["cap"] = .stringConvertible(route.limits.held)
      value["used"] = .stringConvertible(quotas[route.path]?.used ?? 0)
      value["reserved"] = .stringConvertible(quotas[route.path]?.reserved ?? 0)
      if let count = counts.first(where: { $0.route == route.path }) {
        value["open"] = .stringConvertible(count.connected)
        value["received"] = .stringConvertible(count.meters.received.value)
        value["complete"] = .stringConvertible(count.meters.complete)
      }
      switch places[route.path]?.forwarder {
      case let store as DirectoryStore:
        if let room = try? store.room() { value["free"] = .stringConvertible(room.free) }
      case let pipe as PipeForwarder: value["backends"] = .array(pipe.backends.map(Self.value))
      default: break
      }
      return .dictionary(value)
    }
  }

  private static func value(
    _ backend: (address: BackendAddress, isUp: Bool, uploads: Int)
  ) -> Logger.MetadataValue {
    var value: Logger.Metadata = [:]
    value["address"] = "\(backend.address)"
    value["up"] = .stringConvertible(backend.isUp)
    value["uploads"] = .stringConvertible(backend.uploads)
    return .dictionary(value)
  }
}

extension RouteMeters {
  fileprivate var complete: Int {
    CountedEnd.all.filter { $0.status == .complete }.reduce(0) { $0 + ends(as: $1) }
  }
}

extension LiveUpload {
  fileprivate func value(at now: WallTime) -> Logger.MetadataValue {
    let received = received
    let spent = max(1, now.milliseconds - offeredAt.milliseconds)
    var value: Logger.Metadata = [:]
    value["upload"] = "\(facts.key.logID)"
    value["route"] = "\(facts.route)"
    value["client"] = "\(client)"
    value["address"] = "\(address)"
    value["at"] = .stringConvertible(offset + received)
    value["received"] = .stringConvertible(received)
    value["rate"] = .stringConvertible(Int64(Double(received) * 1000 / Double(spent)))
    value["since"] = .stringConvertible(offeredAt.milliseconds)
    if let total = facts.total { value["total"] = .stringConvertible(total) }
    if let label = facts.label { value["file"] = "\(LogText.shown(label))" }
    return .dictionary(value)
  }
}

extension RecentRefusals.Entry {
  fileprivate var value: Logger.MetadataValue {
    .dictionary([
      "at": .stringConvertible(at.milliseconds), "route": "\(route)", "client": "\(client)", "reason": "\(reason)",
    ])
  }
}

extension History.Step {
  fileprivate var value: Logger.MetadataValue {
    .array([
      .stringConvertible(bytes), .stringConvertible(complete), .stringConvertible(failed), .stringConvertible(refused),
    ])
  }
}
