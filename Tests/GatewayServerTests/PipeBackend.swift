import Forwarders
import NIOCore
import NIOPosix
import Synchronization

/// A backend that keeps what it gets, answers how many bytes that was, and closes.
final class PipeBackend: Sendable {
  struct Connection: Sendable {
    var bytes = ByteBuffer()
    /// Whether a byte has come; a health check brings none.
    var hasBegun = false
    /// `nil` while it is open.
    var endedInOrder: Bool?
  }

  let port: Int
  private let listener: any Channel
  private let state: Shared

  private final class Shared: Sendable {
    let connections = Mutex<[Connection]>([])
    /// Answers that wait for ``answer()``; `nil` where none waits.
    let held: Mutex<[@Sendable () -> Void]?>

    init(holdsAnswers: Bool) {
      held = Mutex(holdsAnswers ? [] : nil)
    }
  }

  /// - Parameter holdsAnswers: whether it answers only at ``answer()``.
  static func start(holdsAnswers: Bool = false) async throws -> PipeBackend {
    let shared = Shared(holdsAnswers: holdsAnswers)
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Handler(shared)) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return PipeBackend(listener, shared)
  }

  private init(_ listener: any Channel, _ state: Shared) {
    self.listener = listener
    self.state = state
    port = listener.localAddress?.port ?? 0
  }

  func stop() async throws {
    try await listener.close().get()
  }

  /// Answers all that has come to its end, and whatever comes.
  func answer() {
    let held = state.held.withLock { held in
      defer { held = nil }
      return held ?? []
    }
    for answer in held { answer() }
  }

  /// Those of uploads.
  var connections: [Connection] {
    state.connections.withLock { $0.filter { $0.hasBegun || $0.endedInOrder == true } }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let shared: Shared
    private var connection = Connection()
    private var index = 0

    init(_ shared: Shared) {
      self.shared = shared
    }

    func channelActive(context: ChannelHandlerContext) {
      index = shared.connections.withLock { connections in
        connections.append(Connection())
        return connections.count - 1
      }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      if !connection.hasBegun {
        connection.hasBegun = true
        shared.connections.withLock { $0[index].hasBegun = true }
      }
      connection.bytes.writeImmutableBuffer(Self.unwrapInboundIn(data))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      guard event as? ChannelEvent == .inputClosed else { return }
      end(inOrder: true)
      let answer = ByteBuffer(string: "got \(connection.bytes.readableBytes)")
      let channel = context.channel
      let say: @Sendable () -> Void = {
        channel.writeAndFlush(answer, promise: nil)
        channel.close(promise: nil)
      }
      let isHeld = shared.held.withLock { held in
        held?.append(say)
        return held != nil
      }
      if !isHeld { say() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      end(inOrder: false)
      context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
      end(inOrder: false)
    }

    private func end(inOrder: Bool) {
      guard connection.endedInOrder == nil else { return }
      connection.endedInOrder = inOrder
      shared.connections.withLock { $0[index] = connection }
    }
  }
}
