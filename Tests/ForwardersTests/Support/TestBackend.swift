import Foundation
import Forwarders
import NIOCore
import NIOPosix
import Synchronization
import TLSTransport

/// A backend that remembers what each connection brought, and how it ended.
final class TestBackend: Sendable {
  enum Behaviour: Sendable {
    /// Reads to the end, then says this and closes.
    case answer([UInt8])
    /// Closes in order after so many bytes.
    case closeAfter(Int)
    /// Resets after so many bytes.
    case resetAfter(Int)
    /// After so many bytes ends its side of the TCP connection without a word of TLS, and reads on.
    case endTransportAfter(Int)
    /// Reads nothing until ``TestBackend/wake()``, then everything.
    case sleep
    /// Reads to the end, and never closes.
    case neverClose
  }

  enum Ending: Sendable { case inOrder, broken }

  struct Connection: Sendable {
    var bytes: [UInt8] = []
    var ending: Ending?
  }

  let address: BackendAddress
  private let listener: any Channel
  private let shared: Shared

  static func start(
    _ behaviour: Behaviour = .answer([]), tls: TLSContext? = nil, at address: BackendAddress? = nil
  ) async throws -> TestBackend {
    let shared = Shared(behaviour: behaviour)
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.autoRead, value: !shared.isAsleep)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(TLSHandler(context: tls)) }
          try channel.pipeline.syncOperations.addHandler(Handler(shared))
        }
      }
    let listener: any Channel
    switch address {
    case .unix(let path)?: listener = try await bootstrap.bind(unixDomainSocketPath: path).get()
    case .host(let host, let port)?: listener = try await bootstrap.bind(host: host, port: port).get()
    case nil: listener = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
    }
    let bound: BackendAddress
    if case .unix? = address, let address {
      bound = address
    } else {
      bound = .host("127.0.0.1", port: listener.localAddress?.port ?? 0)
    }
    return TestBackend(address: bound, listener: listener, shared: shared)
  }

  /// An address at which nobody listens.
  static func nobody() async throws -> BackendAddress {
    let backend = try await start()
    try await backend.stop()
    return backend.address
  }

  private init(address: BackendAddress, listener: any Channel, shared: Shared) {
    self.address = address
    self.listener = listener
    self.shared = shared
  }

  deinit {
    listener.close(promise: nil)
  }

  func stop() async throws {
    try await listener.close().get()
  }

  /// Those that brought a byte or ended in order: others are health checks.
  var connections: [Connection] {
    shared.state.withLock { $0.connections.filter { !$0.bytes.isEmpty || $0.ending == .inOrder } }
  }

  func wake() {
    for channel in shared.state.withLock({ $0.channels }) {
      channel.setOption(.autoRead, value: true).whenComplete { _ in }
    }
  }

  /// Closes all connections by a reset.
  func breakOff() {
    for channel in shared.state.withLock({ $0.channels }) { Shared.reset(channel) }
  }

  fileprivate final class Shared: Sendable {
    struct State {
      var connections: [Connection] = []
      var channels: [any Channel] = []
    }

    let behaviour: Behaviour
    let state = Mutex(State())

    init(behaviour: Behaviour) {
      self.behaviour = behaviour
    }

    var isAsleep: Bool {
      if case .sleep = behaviour { true } else { false }
    }

    static func reset(_ channel: any Channel) {
      channel.eventLoop.execute {
        (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in
          channel.close(promise: nil)
        }
      }
    }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let shared: Shared
    private var index = 0
    private var count = 0

    init(_ shared: Shared) {
      self.shared = shared
    }

    func channelActive(context: ChannelHandlerContext) {
      index = shared.state.withLock { state in
        state.channels.append(context.channel)
        state.connections.append(Connection())
        return state.connections.count - 1
      }
      context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = Self.unwrapInboundIn(data)
      count += bytes.readableBytes
      shared.state.withLock { $0.connections[index].bytes += bytes.readableBytesView }
      switch shared.behaviour {
      case .closeAfter(let limit) where count >= limit: context.close(promise: nil)
      case .resetAfter(let limit) where count >= limit: Shared.reset(context.channel)
      case .endTransportAfter(let limit) where count >= limit:
        let tls = try? context.pipeline.syncOperations.context(handlerType: TLSHandler.self)
        tls?.close(mode: .output, promise: nil)
      default: break
      }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      guard event as? ChannelEvent == .inputClosed else { return context.fireUserInboundEventTriggered(event) }
      end(.inOrder)
      switch shared.behaviour {
      case .answer(let bytes):
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        context.close(promise: nil)
      case .closeAfter, .resetAfter, .endTransportAfter, .sleep: context.close(promise: nil)
      case .neverClose: break
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      end(.broken)
      context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
      end(.broken)
    }

    private func end(_ ending: Ending) {
      shared.state.withLock { state in
        if state.connections[index].ending == nil { state.connections[index].ending = ending }
      }
    }
  }
}
