import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TLSTransport

/// Answers operators, on a thread of its own: no upload waits for it, and it tells of event loops that do not answer.
final class AdminListener: Sendable {
  /// Connections at once.
  static let most = 32
  /// What it takes of the process beside connections: its event loop and its socket.
  static let descriptors = 8

  /// Where it listens; the port is the true one where the configuration says 0.
  let description: String
  private let channel: any Channel
  private let group: MultiThreadedEventLoopGroup
  private let connections: AdminConnections
  private let path: String?

  /// - Parameters:
  ///   - tls: what new connections are secured by; `nil` for none.
  ///   - answer: called for each request that is allowed, on any thread.
  static func open(
    _ place: Listener.Place, tls: (any TLSContextSource)?,
    answer: @escaping @Sendable (AdminRequest) async -> AdminAnswer
  ) async throws -> AdminListener {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let connections = AdminConnections(limit: most)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 64)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        guard connections.admit(channel) else { return channel.eventLoop.makeFailedFuture(TooManyConnections()) }
        return channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let tls { try pipeline.addHandler(TLSHandler(source: tls, handshakeDeadline: .seconds(10))) }
          try pipeline.addHandlers(
            HTTPResponseEncoder(),
            ByteToMessageHandler(
              HTTPRequestDecoder(
                leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop, limitConfiguration: limits)),
            AdminHandler(answer: answer))
        }
      }
    do {
      switch place {
      case .address(let address):
        let channel = try await bootstrap.bind(host: address.host, port: address.port).get()
        let port = channel.localAddress?.port ?? address.port
        return AdminListener(
          channel, group, connections, ListenAddress(host: address.host, port: port).description, path: nil)
      case .unix(let path):
        if AddressProbe.look(at: Listener(place)) == .inUse { throw IOError(errnoCode: EADDRINUSE, reason: "bind") }
        let channel = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        // Who may write to it may ask: the gateway's own user and group.
        _ = chmod(path, 0o660)
        return AdminListener(channel, group, connections, "unix:\(path)", path: path)
      case .systemd:
        throw IOError(errnoCode: EINVAL, reason: "bind")
      }
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  private init(
    _ channel: any Channel, _ group: MultiThreadedEventLoopGroup, _ connections: AdminConnections,
    _ description: String,
    path: String?
  ) {
    (self.channel, self.group, self.connections) = (channel, group, connections)
    (self.description, self.path) = (description, path)
  }

  /// Does something now and then, on the listener's own thread, until it is closed.
  func look(each time: TimeAmount, _ work: @escaping @Sendable () -> Void) {
    _ = group.next().scheduleRepeatedTask(initialDelay: .zero, delay: time) { _ in work() }
  }

  /// Lets nobody else in, so that another process can listen at the same place. For a thread that may wait.
  func leave() {
    guard (try? channel.close().wait()) != nil, let path else { return }
    _ = unlink(path)
  }

  /// Answers nobody any more.
  func close() async {
    // Where it has left, the place is another process's.
    if (try? await channel.close().get()) != nil, let path { _ = unlink(path) }
    for channel in connections.end() { try? await channel.close().get() }
    try? await group.shutdownGracefully()
  }

  /// Of a request's head.
  private static var limits: NIOHTTPDecoderLimitConfiguration {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = 4 << 10
    limits.maxHeaderListSize = 8 << 10
    limits.maxHeaderFieldCount = 64
    return limits
  }
}

/// The connections that operators have.
final class AdminConnections: Sendable {
  private let limit: Int
  private let channels = Mutex<[ObjectIdentifier: any Channel]?>([:])

  init(limit: Int) {
    self.limit = limit
  }

  /// Whether the connection may stay. It leaves by itself when it closes.
  func admit(_ channel: any Channel) -> Bool {
    let id = ObjectIdentifier(channel)
    let isAdmitted = channels.withLock { channels in
      guard let count = channels?.count, count < limit else { return false }
      channels?[id] = channel
      return true
    }
    if isAdmitted {
      channel.closeFuture.whenComplete { _ in self.channels.withLock { _ = $0?.removeValue(forKey: id) } }
    }
    return isAdmitted
  }

  /// Admits nobody from now on.
  ///
  /// - Returns: those that are still open.
  func end() -> [any Channel] {
    channels.withLock { channels in
      defer { channels = nil }
      return channels.map { Array($0.values) } ?? []
    }
  }
}

/// What the admin listener's new connections are secured by; a reload publishes it anew.
final class AdminTLS: TLSContextSource {
  private let current: Mutex<TLSContext>

  init(_ context: TLSContext) {
    current = Mutex(context)
  }

  func publish(_ context: TLSContext) { current.withLock { $0 = context } }

  func contextForConnection() -> TLSContext { current.withLock { $0 } }
}
