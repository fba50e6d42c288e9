import Forwarders
import GatewayCore
import Logging
import NIOCore
import Synchronization
import TLSTransport

/// Says what the ledger has to record for those who hear of uploads, and has it delivered.
final class EventPost: EventSource {
  private struct State {
    var gateway = ""
    var targets: [Configuration.EventTarget] = []
    /// The settings of routes that store, by path.
    var stores: [String: DirectoryStore.Settings] = [:]
    var couriers: [String: EventCourier] = [:]
  }

  private let ledger: any Ledger
  private let eventLoops: any EventLoopGroup
  private let logger: Logger
  private let state = Mutex(State())

  init(ledger: any Ledger, eventLoops: any EventLoopGroup, logger: Logger) {
    self.ledger = ledger
    self.eventLoops = eventLoops
    self.logger = logger
  }

  // MARK: What happens

  func events(of kind: EventKind, _ upload: UploadRecord, location: String?, at now: WallTime) -> [Event] {
    let route = upload.facts.route
    let (targets, couriers, store, gateway) = state.withLock { state in
      let targets = state.targets.filter { $0.hears(kind, of: route) }
      return (targets, targets.isEmpty ? [:] : state.couriers, state.stores[route], state.gateway)
    }
    guard !targets.isEmpty else { return [] }
    var path: String?
    if let store, kind == .completed || kind == .removed {
      path = location.map { "\(store.directory)/\($0)" } ?? store.finalPath(of: upload)
    }
    let body = CloudEvent.body(kind, upload, path: path, gateway: gateway, at: now)
    return targets.map { target in
      couriers[target.name]?.wake()
      return Event(
        id: Event.id(of: kind, upload.key), target: target.name, key: upload.key, kind: kind, at: now, body: body)
    }
  }

  // MARK: Who hears of it

  /// Those who hear of it from now on; none is told anything before ``start()``.
  ///
  /// - Throws: where a receiver's authorities cannot be read; nothing is changed then.
  func take(_ configuration: Configuration) async throws {
    var recipients: [(target: Configuration.EventTarget, recipient: any OutsideRecipient)] = []
    do {
      for target in configuration.events {
        recipients.append((target: target, recipient: try target.makeRecipient(eventLoops: eventLoops)))
      }
    } catch {
      recipients.forEach { $0.recipient.retire() }
      throw error
    }
    let former = state.withLock { $0.couriers }
    var couriers: [String: EventCourier] = [:]
    for (target, recipient) in recipients {
      if let courier = former[target.name] {
        await courier.take(target, to: recipient)
        couriers[target.name] = courier
      } else {
        couriers[target.name] = EventCourier(
          target, to: recipient, ledger: ledger, on: eventLoops.next(), logger: logger)
      }
    }
    let (new, gone) = state.withLock { state in
      state.gateway = configuration.name
      state.targets = configuration.events
      state.stores = configuration.routes.reduce(into: [:]) { $0[$1.path] = $1.destination.store }
      state.couriers = couriers
      return (
        couriers.filter { former[$0.key] == nil }.map(\.value), former.filter { couriers[$0.key] == nil }.map(\.value)
      )
    }
    for courier in new where hasStarted.withLock({ $0 }) { await courier.start() }
    for courier in gone { Task { await courier.finish() } }
  }

  private let hasStarted = Mutex(false)

  /// Begins to deliver what the ledger has.
  func start() async {
    hasStarted.withLock { $0 = true }
    for courier in state.withLock({ Array($0.couriers.values) }) { await courier.start() }
  }

  /// Sends nothing more, and returns when nothing is on its way.
  func finish() async {
    for courier in state.withLock({ Array($0.couriers.values) }) { await courier.finish() }
  }

  /// Ends what is on its way.
  func stop() async {
    for courier in state.withLock({ Array($0.couriers.values) }) { await courier.stop() }
  }
}

extension Configuration.EventTarget {
  func hears(_ kind: EventKind, of route: String) -> Bool {
    kinds.contains(kind) && routes?.contains(route) ?? true
  }

  /// - Throws: where a receiver's authorities cannot be read.
  func makeRecipient(eventLoops: any EventLoopGroup) throws(TLSConfigurationError) -> any OutsideRecipient {
    switch recipient {
    case .command(let command):
      CommandRecipient(command, atOnce: terms.atOnce, timeLimit: timeLimit)
    case .server(let server):
      try ServerRecipient(
        server, contentType: CloudEvent.contentType, timeLimit: timeLimit, eventLoops: eventLoops)
    }
  }
}
