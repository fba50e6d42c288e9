import NIOCore
import NIOPosix
import Synchronization

/// Passes bytes on to a server, and cuts connections after a random number of them, until it has cut enough.
final class CuttingProxy: Sendable {
  let port: Int
  private let listener: any Channel
  private let cuts: Cuts

  /// How often connections are cut; shared by all of them.
  final class Cuts: Sendable {
    private let left: Mutex<Int>
    let after: ClosedRange<Int>

    init(_ count: Int, after: ClosedRange<Int>) {
      left = Mutex(count)
      self.after = after
    }

    var remaining: Int { left.withLock { $0 } }

    func take() -> Bool {
      left.withLock { left in
        guard left > 0 else { return false }
        left -= 1
        return true
      }
    }
  }

  /// - Parameter after: bytes from the client that a connection lives for.
  static func start(to address: SocketAddress, cuts: Int, after: ClosedRange<Int>) async throws -> CuttingProxy {
    let shared = Cuts(cuts, after: after)
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 256)
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { client in
        let front = NIOLoopBound(Half(shared), eventLoop: client.eventLoop)
        return ClientBootstrap(group: client.eventLoop)
          .channelOption(.allowRemoteHalfClosure, value: true)
          .channelInitializer { server in
            server.eventLoop.makeCompletedFuture {
              try server.pipeline.syncOperations.addHandler(Half(nil, peer: client))
            }
          }
          .connect(to: address)
          .flatMapThrowing { server in
            front.value.peer = server
            try client.pipeline.syncOperations.addHandler(front.value)
          }
          .flatMap { client.setOption(.autoRead, value: true) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return CuttingProxy(listener, shared)
  }

  private init(_ listener: any Channel, _ cuts: Cuts) {
    self.listener = listener
    self.cuts = cuts
    port = listener.localAddress?.port ?? 0
  }

  func stop() async throws {
    try await listener.close().get()
  }

  var cutsLeft: Int { cuts.remaining }

  private final class Half: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    var peer: (any Channel)?
    private let cuts: Cuts?
    private var left: Int

    init(_ cuts: Cuts?, peer: (any Channel)? = nil) {
      self.cuts = cuts
      self.peer = peer
      left = cuts.map { .random(in: $0.after) } ?? 0
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      var bytes = Self.unwrapInboundIn(data)
      if let cuts {
        let size = bytes.readableBytes
        if size > left, cuts.take() {
          if let first = bytes.readSlice(length: left) { peer?.writeAndFlush(first, promise: nil) }
          peer?.close(promise: nil)
          context.close(promise: nil)
          return
        }
        left = size > left ? .random(in: cuts.after) : left - size
      }
      peer?.writeAndFlush(bytes, promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if event as? ChannelEvent == .inputClosed { peer?.close(mode: .output, promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
      peer?.close(promise: nil)
      peer = nil
    }
  }
}
