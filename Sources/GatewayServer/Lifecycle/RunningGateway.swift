import CLinux
import ConfigurationReading
import Forwarders
import Fronts
package import GatewayCore
import Ledgers
package import Logging
package import NIOCore
import NIOPosix
import OperatingSystem
import Synchronization
import TLSTransport

/// A gateway that listens, from ``start(_:logger:)`` to ``stop()``.
package final class RunningGateway: Sendable {
  /// Where it listens first; the port is the true one where the configuration says 0.
  package let address: SocketAddress
  /// All places for a person.
  package let listenAddresses: String
  /// What recovery found at start.
  package let recovery: RecoveryReport

  let gateway: Gateway
  let ledger: any ServedLedger
  /// What the gateway asks: ``ledger``, and another process's when that has taken over.
  let movableLedger: MovableLedger
  /// What this process took over from; `nil` where it began by itself.
  let former: IncomingHandOver?
  let storeThreads: StoreThreads
  let eventLoops: MultiThreadedEventLoopGroup
  /// Whether event loops, store threads and the ledger answer.
  package let liveness: LivenessWatch
  let listeners: [OpenListener]
  let connections: ConnectionTable
  /// What is counted of it.
  let meters: GatewayMeters
  let loopLag: LoopLag
  let quotaReadings = QuotaReadings()
  let history = History()
  /// What secures the admin listener; `nil` where nothing does.
  let adminTLS: AdminTLS?
  let admin = Mutex<AdminListener?>(nil)
  let stopping = Atomic(false)
  /// Whether nothing new is taken any more.
  var isStopping: Bool { stopping.load(ordering: .relaxed) }
  /// Has those told who hear of uploads.
  let post: EventPost
  /// Judge new uploads.
  let judges: RouteJudges
  /// Judge what is whole.
  let held: HeldUploads
  /// What new connections begin with; a reload swaps it.
  let terms: PublishedTerms
  /// Of the tickets of all contexts, so that a reload ends no session.
  let ticketKeys: TicketKeys
  /// What it runs with; a reload changes it.
  let parts: Mutex<RunningParts>
  /// The protocols that it speaks; `nil` for those of the configuration.
  let frontSet: FrontSet?
  /// What a reload cannot go beyond; `nil` where nothing holds the process.
  let confinement: Confinement?
  let expirySweep: RepeatedTask
  let leaseKeeping: RepeatedTask?
  let memorySweep: RepeatedTask
  let expiryWatch: RepeatedTask
  let departures: DepartureUpkeep
  let logger: Logger

  /// Opens ledger and stores, brings them together after a crash, and listens.
  ///
  /// - Parameters:
  ///   - frontSet: the protocols that it speaks; `nil` for those of the configuration.
  ///   - confinement: what the process was confined to; `nil` where it was not.
  ///   - takesOver: whether a gateway that runs over the same state folder hands over to this one, and ends.
  /// - Throws: what keeps it from running, as `ConfigurationFaults` where something in the configuration has to do with it.
  package static func start(
    _ configuration: Configuration, logger: Logger, frontSet: FrontSet? = nil, confinement: Confinement? = nil,
    takesOver: Bool = false
  ) async throws -> RunningGateway {
    sluice_keep_freed_memory()
    let preparation = try Preparation(configuration, frontSet)
    preparation.warnings.log(to: logger)
    let threads = preparation.descriptors.threads
    guard DescriptorLimit.hasRoom(for: threads * DescriptorLimit.ofEventLoop) else {
      throw StartFailure.faults("there are no file descriptors left for event loops", configuration, at: nil)
    }
    let meters = GatewayMeters()
    // All that can go wrong beforehand has not: from here on nobody accepts clients for a moment.
    let (former, underWay) = try takesOver ? takeOver(preparation, logger) : (nil, [])
    let ledger: any ServedLedger
    do {
      try StoreClaims.checkFirstStart(configuration)
      ledger = try LedgerFolder(configuration).openLedger(observer: meters.ledger, logger: logger)
    } catch {
      throw StartFailure.faults(error, configuration, path: configuration.state)
    }
    let storeThreads = StoreThreads()
    storeThreads.start()
    let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    let memory = MemoryBudget(limit: Int(configuration.memory))
    var destinations: [(route: Route, forwarder: any Forwarder)] = []
    let movable = MovableLedger(ledger)
    let post = EventPost(ledger: movable, eventLoops: eventLoops, logger: logger)
    let judges = RouteJudges(eventLoops: eventLoops, logger: logger)
    let held = HeldUploads(logger: logger)
    do {
      held.take(configuration)
      try await post.take(configuration)
      try judges.take(configuration)
      let claims = try StoreClaims(configuration)
      for entry in configuration.routes {
        let forwarder: any Forwarder
        do {
          if let store = entry.destination.store { try StoreFolders.makeParents(of: store.directory) }
          forwarder = try entry.makeForwarder(
            window: Int(configuration.window), memory: memory, ledger: ledger, claims: claims,
            threads: storeThreads, check: held.fileCheck(of: entry.path), eventLoops: eventLoops, logger: logger)
        } catch {
          guard let store = entry.destination.store else { throw error }
          throw StartFailure.faults(error, configuration, path: store.directory)
        }
        destinations.append((route: judges.route(of: entry), forwarder: forwarder))
      }
      let shared = ledger.shared(by: configuration.name)
      let lease = shared.map { LeaseKeeper($0.leases, holder: $0.holder, machineTime: { .now() }) }
      let gateway = Gateway(
        destinations: destinations, ledger: movable,
        settings: GatewaySettings(
          window: Int(configuration.window), memory: Int(configuration.memory),
          holder: lease?.holder ?? configuration.name,
          now: { lease?.calendar(.now()) ?? .now() }),
        memory: memory, lease: lease, eventLoops: EventLoopNumbers(eventLoops.makeIterator()), events: post,
        logger: logger)
      try await lease?.begin(on: eventLoops.next()).get()
      try await former?.lock(underWay, of: gateway, on: eventLoops.next())
      let recovery = try await gateway.recover(on: eventLoops.next())
      recovery.log(to: logger)
      let running = try await RunningGateway(
        preparation: preparation, frontSet: frontSet, former: former, gateway: gateway, ledger: ledger,
        movable: movable, post: post, judges: judges, held: held,
        parts: RunningParts(configuration, destinations.map(\.forwarder)), storeThreads: storeThreads,
        eventLoops: eventLoops, recovery: recovery, confinement: confinement, meters: meters, logger: logger)
      former?.listening(gateway, movable, flush: (try? ledger.flushOfAnswers()) ?? nil, eventLoops: eventLoops)
      do {
        try await running.openAdmin()
      } catch {
        await running.stop()
        throw error
      }
      running.logStart(configuration)
      return running
    } catch {
      await post.stop()
      judges.stop()
      held.stop()
      await Self.release(
        destinations.map(\.forwarder), ledger: ledger, storeThreads: storeThreads, eventLoops: eventLoops)
      throw error
    }
  }

  private init(
    preparation: Preparation, frontSet: FrontSet?, former: IncomingHandOver?, gateway: Gateway,
    ledger: any ServedLedger, movable: MovableLedger,
    post: EventPost, judges: RouteJudges, held: HeldUploads,
    parts: RunningParts, storeThreads: StoreThreads, eventLoops: MultiThreadedEventLoopGroup,
    recovery: RecoveryReport, confinement: Confinement?, meters: GatewayMeters, logger: Logger
  ) async throws {
    let configuration = preparation.configuration
    // Those that the configuration does not want are turned away; those that there are no descriptors for wait.
    let waitingAt = preparation.connections < configuration.connections ? preparation.connections : nil
    let connections = ConnectionTable(limit: configuration.connections, memory: gateway.memory)
    let fronts = (frontSet ?? .of(configuration)).make(gateway, FrontTimeouts(configuration.timeouts), logger)
    let published = PublishedTerms(ConnectionTerms(configuration, context: preparation.context, fronts: fronts))
    let door = ClientDoor(connections, terms: published, logger: logger)
    let opener = ListenerOpener(
      eventLoops: eventLoops, door: door, terms: published, memory: gateway.memory,
      waitingAt: waitingAt.map { max(1, $0 / configuration.listeners.count) },
      meters: meters, now: gateway.settings.now, former: former, logger: logger)
    adminTLS = try configuration.admin?.usesTLS == true ? AdminTLS(AdminTLS.context(configuration)) : nil
    listeners = try await opener.open(configuration)
    guard let address = listeners.first?.channel.localAddress else { throw ChannelError.unknownLocalAddress }
    listenAddresses = listeners.map(\.description).joined(separator: ", ")
    self.address = address
    self.terms = published
    self.ticketKeys = preparation.ticketKeys
    self.parts = Mutex(parts)
    self.frontSet = frontSet
    self.recovery = recovery
    self.confinement = confinement
    self.gateway = gateway
    self.ledger = ledger
    self.movableLedger = movable
    self.former = former
    self.post = post
    self.judges = judges
    self.held = held
    self.storeThreads = storeThreads
    self.eventLoops = eventLoops
    self.liveness = LivenessWatch(eventLoops: eventLoops, storeThreads: storeThreads, ledger: ledger)
    self.connections = connections
    self.meters = meters
    loopLag = LoopLag(Array(eventLoops.makeIterator()))
    self.logger = logger
    let sweepLoop = eventLoops.next()
    leaseKeeping = gateway.keepLease(on: eventLoops.next())
    memorySweep = sweepLoop.scheduleRepeatedTask(initialDelay: Self.memoryEvery, delay: Self.memoryEvery) { _ in
      // Large uploads take what is free before long, and are not to wait meanwhile.
      guard gateway.memory.bytesInUse <= gateway.memory.limit / 16 else { return }
      storeThreads.giveBackFreedMemory()
    }
    expiryWatch = sweepLoop.scheduleRepeatedTask(initialDelay: .hours(24), delay: .hours(24)) { _ in
      let terms = published.current
      CertificateExpiry.log(terms.context.certificates, within: terms.warnBefore, to: logger)
    }
    let departures = DepartureUpkeep(gateway, on: sweepLoop, logger: logger)
    self.departures = departures
    let shortest = configuration.routes.map(\.route.resumeFor).min() ?? .seconds(60)
    self.expirySweep = sweepLoop.scheduleRepeatedAsyncTask(
      initialDelay: .milliseconds(100), delay: TimeAmount(min(max(shortest / 4, .milliseconds(250)), .seconds(30)))
    ) { _ in
      sweepLoop.makeFutureWithTask {
        do {
          for key in try await gateway.dropExpired(on: sweepLoop) {
            logger.info("Upload expired", metadata: ["upload": "\(key.logID)"])
          }
        } catch {
          logger.error("Expired uploads could not be dropped", metadata: ["reason": "\(error)"])
        }
        gateway.retryFinals(on: sweepLoop)
        door.tidy(now: sweepLoop.now)
        do {
          try await gateway.tidy(on: sweepLoop)
        } catch {
          logger.error("Past windows could not be forgotten", metadata: ["reason": "\(error)"])
        }
        await departures.sweep()
      }
    }
    await post.start()
  }

  /// How often freed memory is given back: the allocator keeps what a rush has used between what is in use for longer.
  private static let memoryEvery = TimeAmount.seconds(30)

  /// Where operators are answered; `nil` where nobody is.
  package var adminAddress: String? { admin.withLock { $0?.description } }

  private func openAdmin() async throws {
    guard let settings = configuration.admin else { return }
    let answers = AdminAnswers(gateway: self, access: AdminAccess(settings) { self.configuration.adminTokens })
    let listener: AdminListener
    do {
      listener = try await AdminListener.open(settings.place, tls: adminTLS) { await answers.answer($0) }
    } catch {
      throw AdminListener.failure(error, settings, configuration)
    }
    listener.look(each: History.every) { self.history.look(at: self.gateway) }
    admin.withLock { $0 = listener }
  }
}
