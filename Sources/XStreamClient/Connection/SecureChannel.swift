import NIOCore
import NIOPosix
import TLSTransport

/// Channels over TLS, as every kind of connection here has them.
enum SecureChannel {
  /// Connects; the handshake goes on afterwards.
  ///
  /// - Parameters:
  ///   - type: the handler that the caller speaks to.
  ///   - addHandlers: adds it and what else stands behind TLS, on the event loop.
  /// - Throws: ``ConnectionLoss``, or `CancellationError`.
  static func open<Handler: ChannelHandler & SendableMetatype>(
    to host: String, _ port: Int, _ configuration: ClientConfiguration, _ context: TLSContext, on loop: any EventLoop,
    _ type: Handler.Type, _ addHandlers: @escaping @Sendable (any Channel) throws -> Void
  ) async throws -> (channel: any Channel, handler: NIOLoopBound<Handler>) {
    let connected = ClientBootstrap(group: loop)
      .connectTimeout(configuration.connectLimit)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.socketOption(.so_keepalive), value: 1)
      .channelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 512 << 10))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try StagedReceiveAllocator.apply(to: channel)
          try channel.pipeline.syncOperations.addHandler(
            TLSHandler(context: context, serverName: host, handshakeDeadline: configuration.connectLimit))
          try addHandlers(channel)
        }
      }
      .connect(host: host, port: port)
      .flatMapThrowing { channel in
        // At once: a handshake that fails takes the handlers out.
        let handler = try channel.pipeline.syncOperations.handler(type: Handler.self)
        return (channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
      }
    do {
      return try await connected.orCancelled { $0.channel.close(promise: nil) }
    } catch let error as CancellationError {
      throw error
    } catch {
      throw ConnectionLoss(connecting: error)
    }
  }
}
