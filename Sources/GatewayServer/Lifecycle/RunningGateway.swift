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
import TLSTransport

/// A gateway that listens, from ``start(_:logger:)`` to ``stop()``.
package final class RunningGateway: Sendable {
  /// Where it listens; the port is the true one where the configuration says 0.
  package let address: SocketAddress
  /// The same for a person.
  package var listenAddress: ListenAddress {
    ListenAddress(host: address.ipAddress ?? "?", port: address.port ?? 0)
  }
  /// What recovery found at start.
  package let recovery: RecoveryReport

  let gateway: Gateway
  private let ledger: EmbeddedLedger
  private let forwarders: [any Forwarder]
  private let storeThreads: StoreThreads
  private let eventLoops: MultiThreadedEventLoopGroup
  private let listener: any Channel
  let connections: ConnectionTable
  /// What new connections are secured with; a reload swaps it.
  let tlsContext: PublishedTLSContext
  private let expirySweep: RepeatedTask
  private let memorySweep: RepeatedTask
  private let shutdownTimeout: Duration
  private let logger: Logger

  /// Opens ledger and stores, brings them together after a crash, and listens.
  ///
  /// - Parameter frontSet: the protocols that it speaks; `nil` for those of the configuration.
  /// - Throws: what keeps it from running, as `ConfigurationFaults` where something in the configuration has to do with it.
  package static func start(
    _ configuration: Configuration, logger: Logger, frontSet: FrontSet? = nil
  ) async throws -> RunningGateway {
    sluice_keep_freed_memory()
    let frontSet = frontSet ?? .of(configuration)
    let preparation = try Preparation(configuration, frontSet)
    for warning in preparation.warnings {
      logger.warning(
        "Configuration",
        metadata: ["at": "\(warning.position)", "warning": "\(warning.message)", "hint": "\(warning.hint)"])
    }
    let threads = preparation.descriptors.threads
    guard DescriptorLimit.hasRoom(for: threads * DescriptorLimit.ofEventLoop) else {
      throw StartFailure.faults("there are no file descriptors left for event loops", configuration, at: nil)
    }
    let ledger: EmbeddedLedger
    do {
      try StoreClaims.checkFirstStart(configuration)
      ledger = try LedgerFolder(path: configuration.state).openLedger(logger: logger)
    } catch {
      throw StartFailure.faults(error, configuration, path: configuration.state)
    }
    let storeThreads = StoreThreads()
    storeThreads.start()
    let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    let memory = MemoryBudget(limit: Int(configuration.memory))
    var destinations: [(route: Route, forwarder: any Forwarder)] = []
    do {
      let claims = try StoreClaims(configuration)
      for entry in configuration.routes {
        let forwarder: any Forwarder
        do {
          if let store = entry.destination.store { try StoreFolders.makeParents(of: store.directory) }
          forwarder = try entry.makeForwarder(
            window: Int(configuration.window), memory: memory, ledger: ledger, claims: claims,
            threads: storeThreads, eventLoops: eventLoops, logger: logger)
        } catch {
          guard let store = entry.destination.store else { throw error }
          throw StartFailure.faults(error, configuration, path: store.directory)
        }
        destinations.append((route: entry.route, forwarder: forwarder))
      }
      let gateway = Gateway(
        destinations: destinations, ledger: ledger,
        settings: GatewaySettings(
          window: Int(configuration.window), memory: Int(configuration.memory),
          holder: configuration.name,
          now: { .now() }),
        memory: memory, logger: logger)
      let recovery = try await gateway.recover(on: eventLoops.next())
      recovery.log(to: logger)
      return try await RunningGateway(
        preparation: preparation, frontSet: frontSet, gateway: gateway, ledger: ledger,
        forwarders: destinations.map(\.forwarder), storeThreads: storeThreads, eventLoops: eventLoops,
        recovery: recovery, logger: logger)
    } catch {
      await Self.release(
        destinations.map(\.forwarder), ledger: ledger, storeThreads: storeThreads, eventLoops: eventLoops)
      throw error
    }
  }

  private init(
    preparation: Preparation, frontSet: FrontSet, gateway: Gateway, ledger: EmbeddedLedger,
    forwarders: [any Forwarder], storeThreads: StoreThreads, eventLoops: MultiThreadedEventLoopGroup,
    recovery: RecoveryReport, logger: Logger
  ) async throws {
    let configuration = preparation.configuration
    let context = PublishedTLSContext(preparation.context)
    // Those that the configuration does not want are turned away; those that there are no descriptors for wait.
    let waitingAt = preparation.connections < configuration.connections ? preparation.connections : nil
    let connections = ConnectionTable(limit: configuration.connections)
    let timeouts = FrontTimeouts(configuration.timeouts)
    let handshake = TimeAmount(configuration.timeouts.handshake)
    let fronts = frontSet.make(gateway, timeouts, logger)
    let bootstrap = ServerBootstrap(group: eventLoops)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.maxMessagesPerRead, value: UInt(waitingAt == nil ? 4 : 1))
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { listener in
        listener.eventLoop.makeCompletedFuture {
          try listener.pipeline.syncOperations.addHandler(AcceptPause(logger: logger, most: waitingAt))
        }
      }
      .childChannelInitializer { channel in
        guard connections.admit(channel) else {
          logger.warning("Connection turned away: as many are open as the gateway takes")
          return channel.eventLoop.makeFailedFuture(TooManyConnections())
        }
        return channel.eventLoop.makeCompletedFuture {
          // The bootstrap would make futures for each of these. TCP_NODELAY, which it sets on the listener, is inherited.
          let options = channel.syncOptions
          try options?.setOption(.allowRemoteHalfClosure, value: true)
          try options?.setOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
          try StagedReceiveAllocator.apply(to: channel)
          try channel.pipeline.syncOperations.addHandlers(
            TLSHandler(source: context, handshakeDeadline: handshake),
            FrontSelector(
              fronts: fronts, patience: timeouts.head, trust: context, logger: logger, now: gateway.settings.now))
        }
      }
    do {
      listener = try await bootstrap.bind(host: configuration.listen.host, port: configuration.listen.port).get()
    } catch {
      throw Self.listenFailure(error, configuration)
    }
    guard let address = listener.localAddress else { throw ChannelError.unknownLocalAddress }
    self.address = address
    self.tlsContext = context
    self.recovery = recovery
    self.gateway = gateway
    self.ledger = ledger
    self.forwarders = forwarders
    self.storeThreads = storeThreads
    self.eventLoops = eventLoops
    self.connections = connections
    self.shutdownTimeout = configuration.timeouts.shutdown
    self.logger = logger
    let sweepLoop = eventLoops.next()
    memorySweep = sweepLoop.scheduleRepeatedTask(initialDelay: Self.memoryEvery, delay: Self.memoryEvery) { _ in
      // Large uploads take what is free before long, and are not to wait meanwhile.
      guard gateway.memory.bytesInUse <= gateway.memory.limit / 16 else { return }
      storeThreads.giveBackFreedMemory()
    }
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
        do {
          try await gateway.tidy(on: sweepLoop)
        } catch {
          logger.error("Past windows could not be forgotten", metadata: ["reason": "\(error)"])
        }
      }
    }
  }

  private static func listenFailure(_ error: any Error, _ configuration: Configuration) -> ConfigurationFaults {
    if let code = (error as? IOError)?.errnoCode {
      switch AddressProbe.outcome(code, configuration.listen) {
      case .inUse:
        return ConfigurationFaults(
          [Findings.inUse(.error, configuration)], mainFile: configuration.origin.file)
      case .impossible(let cause, let hint):
        return ConfigurationFaults(
          [
            ConfigurationFault(
              .error, configuration.origin, "`listen`: cannot listen on \(configuration.listen): \(cause)", hint: hint,
              at: configuration.origin.listen)
          ], mainFile: configuration.origin.file)
      case .free: break
      }
    }
    return StartFailure.faults(
      "`listen`: cannot listen on \(configuration.listen): \(error)", configuration, at: configuration.origin.listen)
  }

  /// How often freed memory is given back: the allocator keeps what a rush has used between what is in use for longer.
  private static let memoryEvery = TimeAmount.seconds(30)

  /// Accepts nobody any more, suspends what is open, tells its clients (status 15), and returns when everything is
  /// closed; connections that take longer than the configured time are cut.
  package func stop() async {
    expirySweep.cancel()
    memorySweep.cancel()
    try? await listener.close().get()
    let open = connections.close()
    logger.info("Gateway is stopping", metadata: ["connections": "\(open.count)"])
    for channel in open { channel.pipeline.fireUserInboundEventTriggered(GatewayIsStopping()) }
    gateway.stopAssembling()
    let connections = connections
    if await !isDone(within: shutdownTimeout, { await connections.waitUntilEmpty() }) {
      for channel in open { Self.cut(channel) }
      await connections.waitUntilEmpty()
    }
    // Uploads whose connection is gone are still being made safe: store and ledger have to be there for them, for as long
    // as connections may take.
    _ = await isDone(within: shutdownTimeout) { [gateway] in await gateway.waitUntilNoUploads() }
    await Self.release(forwarders, ledger: ledger, storeThreads: storeThreads, eventLoops: eventLoops)
    logger.info("Gateway has stopped")
  }

  /// In order `close_notify` would wait for a client that reads nothing, so this goes past TLS.
  private static func cut(_ channel: any Channel) {
    channel.eventLoop.execute {
      guard let tls = try? channel.pipeline.syncOperations.context(handlerType: TLSHandler.self) else {
        return channel.close(promise: nil)
      }
      tls.close(mode: .all, promise: nil)
    }
  }

  /// Whether `work` ended before the time was over; it goes on otherwise.
  private func isDone(within time: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    let (ends, end) = AsyncStream.makeStream(of: Bool.self)
    let working = Task {
      await work()
      end.yield(true)
    }
    let clock = Task {
      try await Task.sleep(for: time)
      end.yield(false)
    }
    defer {
      working.cancel()
      clock.cancel()
    }
    return await ends.first { _ in true } ?? false
  }

  /// Forwarders first, while there are event loops for what they hold. Then store threads: what they still do is told to
  /// event loops, which in turn tell the ledger.
  private static func release(
    _ forwarders: [any Forwarder], ledger: EmbeddedLedger, storeThreads: StoreThreads,
    eventLoops: MultiThreadedEventLoopGroup
  ) async {
    for forwarder in forwarders { await forwarder.stop() }
    try? await storeThreads.stop()
    ledger.close()
    try? await eventLoops.shutdownGracefully()
  }
}

/// The reason for closing a connection that is one too many.
struct TooManyConnections: Error {}
