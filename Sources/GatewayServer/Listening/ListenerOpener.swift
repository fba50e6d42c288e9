import ConfigurationReading
import Fronts
import GatewayCore
import Glibc
import Logging
import Metrics
import NIOCore
import NIOPosix
import TLSTransport

/// Opens the places where a gateway listens, and sets up the connections that come.
struct ListenerOpener {
  let eventLoops: MultiThreadedEventLoopGroup
  let door: ClientDoor
  let terms: PublishedTerms
  let memory: MemoryBudget
  /// The most connections of one listener that there are descriptors for; `nil` where there are enough.
  let waitingAt: Int?
  let meters: GatewayMeters
  let now: @Sendable () -> WallTime
  /// Whose sockets are used where it listens; `nil` where no other process does.
  let former: IncomingHandOver?
  let logger: Logger

  private static let isIPv6Only = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)

  /// All of them, or none.
  ///
  /// - Throws: `ConfigurationFaults` with the line of the one that cannot be opened.
  func open(_ configuration: Configuration) async throws -> [OpenListener] {
    var open: [OpenListener] = []
    for (index, listener) in configuration.listeners.enumerated() {
      do {
        let isIPv6Only = listener.isIPv6Only(besides: configuration.listeners)
        open += try await channels(for: listener, isIPv6Only: isIPv6Only).map { OpenListener(listener, $0) }
      } catch {
        for listener in open { await listener.close() }
        let places = configuration.origin.listeners
        throw Self.failure(error, listener, configuration, at: places.indices.contains(index) ? places[index] : nil)
      }
    }
    return open
  }

  private func channels(for listener: Listener, isIPv6Only: Bool) async throws -> [any Channel] {
    let taken = former?.sockets(of: listener) ?? []
    if !taken.isEmpty { return try await channels(for: listener, on: taken) }
    switch listener.place {
    case .address(let address):
      var bootstrap = bootstrap(listener)
      if isIPv6Only { bootstrap = bootstrap.serverChannelOption(Self.isIPv6Only, value: 1) }
      return [try await bootstrap.bind(host: address.host, port: address.port).get()]
    case .unix(let path):
      // One that somebody answers at is not taken away from him.
      if AddressProbe.look(at: listener) == .inUse { throw IOError(errnoCode: EADDRINUSE, reason: "bind") }
      let channel = try await bootstrap(listener)
        .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
      // Who may write to it may connect.
      _ = chmod(path, 0o660)
      return [channel]
    case .systemd(let name):
      return try await channels(for: listener, on: SystemdSockets.find(name).get().map(\.descriptor))
    }
  }

  /// Sockets that somebody else has opened.
  private func channels(for listener: Listener, on sockets: [CInt]) async throws -> [any Channel] {
    var channels: [any Channel] = []
    for socket in sockets {
      _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
      channels.append(try await bootstrap(listener).withBoundSocket(socket).get())
    }
    return channels
  }

  private func bootstrap(_ listener: Listener) -> ServerBootstrap {
    let (door, published, memory, now, logger, waitingAt) = (door, terms, memory, now, logger, waitingAt)
    let meters = meters
    return ServerBootstrap(group: eventLoops)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.maxMessagesPerRead, value: UInt(waitingAt == nil ? 4 : 1))
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            AcceptPause(
              logger: logger, most: waitingAt, isFull: { memory.isOverfull || door.connections.isHalfOpenFull }))
        }
      }
      .childChannelInitializer { channel in
        let isProxied = listener.trusts(channel.remoteAddress)
        guard let entry = door.admit(channel, from: isProxied ? nil : channel.remoteAddress) else {
          meters.turnedAway.add()
          return channel.eventLoop.makeFailedFuture(TooManyConnections())
        }
        meters.accepted.add()
        return channel.eventLoop.makeCompletedFuture {
          // The bootstrap would make futures for each of these. TCP_NODELAY, which it sets on the listener, is inherited.
          let options = channel.syncOptions
          try options?.setOption(.allowRemoteHalfClosure, value: true)
          try options?.setOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
          try StagedReceiveAllocator.apply(to: channel)
          let pipeline = channel.pipeline.syncOperations
          if !listener.proxies.isEmpty {
            try pipeline.addHandler(
              ProxyHeaderReader(isTrusted: isProxied, logger: logger))
          }
          let terms = published.current
          try pipeline.addHandlers(
            HandshakeGate(door, entry),
            TLSHandler(source: terms.context, handshakeDeadline: terms.handshake, observer: meters.tls),
            HandshakeEnd(door, entry),
            FrontSelector(
              fronts: terms.fronts, patience: terms.timeouts.head, trust: published, logger: logger, now: now))
          // Accepted in the last moment: it was not there yet when the others were told.
          if door.connections.isDraining { pipeline.fireUserInboundEventTriggered(GatewayIsDraining()) }
        }
      }
  }

  private static func failure(
    _ error: any Error, _ listener: Listener, _ configuration: Configuration, at place: Place?
  ) -> ConfigurationFaults {
    var (cause, hint) = ("\(error)", "")
    if let failure = error as? SystemdSockets.NoSocket {
      (cause, hint) = (failure.words, "start the gateway by its socket unit, or name an address")
    }
    if let code = (error as? IOError)?.errnoCode {
      if code == EADDRINUSE {
        return ConfigurationFaults(
          [Findings.inUse(.error, listener, configuration, at: place)], mainFile: configuration.origin.file)
      }
      cause = FilePlace.word(for: code)
      if case .address(let address) = listener.place,
        case .impossible(let what, let remedy) = AddressProbe.outcome(code, address)
      {
        (cause, hint) = (what, remedy)
      }
    }
    return ConfigurationFaults(
      [
        ConfigurationFault(
          .error, configuration.origin, "`listen`: cannot listen on \(listener): \(cause)", hint: hint, at: place)
      ], mainFile: configuration.origin.file)
  }
}

/// A place that is listened on.
struct OpenListener: Sendable, CustomStringConvertible {
  let listener: Listener
  let channel: any Channel

  init(_ listener: Listener, _ channel: any Channel) {
    self.listener = listener
    self.channel = channel
  }

  /// The port is the true one where the configuration says 0.
  var description: String {
    guard case .address = listener.place, let address = channel.localAddress else { return listener.description }
    return ListenAddress(host: address.ipAddress ?? "?", port: address.port ?? 0).description
  }

  /// Accepts nobody any more.
  ///
  /// - Parameter staysOpen: whether another process listens on the same socket.
  func close(staysOpen: Bool = false) async {
    try? await channel.close().get()
    if case .unix(let path) = listener.place, !staysOpen { _ = unlink(path) }
  }

  /// Whoever comes waits in the kernel's backlog from now on.
  func pause() -> EventLoopFuture<Void> { channel.setOption(.autoRead, value: false) }

  /// The socket once more, for another process; `nil` where it cannot be had.
  func duplicate() -> CInt? {
    let copied = channel.eventLoop.submit { [channel] in
      try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
        fcntl($0, F_DUPFD_CLOEXEC, 0)
      }
    }
    guard let descriptor = try? copied.wait(), descriptor >= 0 else { return nil }
    return descriptor
  }
}

/// The reason for closing a connection that is one too many, of its address or of all.
struct TooManyConnections: Error {}
