package import GatewayCore
package import Logging
package import NIOCore
package import TLSTransport

/// Waits on a new connection for the end of the handshake, and then gives it to a front.
///
/// Sits above TLS, and takes itself out of the pipeline when a front is installed.
package final class FrontSelector: ChannelInboundHandler, RemovableChannelHandler {
  /// Plaintext from the client.
  package typealias InboundIn = ByteBuffer
  /// The same, for the front.
  package typealias InboundOut = ByteBuffer

  private let choice: FrontChoice
  private let patience: TimeAmount
  private let logger: Logger
  private let trust: any TLSContextSource
  private let label: ConnectionLabel
  private var peer: ConnectionPeer?
  private var proxied: ProxiedConnection?
  private var firstBytes = ByteBuffer()
  private var deadline: Scheduled<Void>?
  private var isDraining = false
  private var isInstalled = false

  /// - Parameters:
  ///   - fronts: at least one; the first gets whatever nobody recognises.
  ///   - patience: how long a client without ALPN may take to show its protocol; then the first front has it.
  ///   - trust: whose certificates the listener trusts; asked whenever one is judged.
  ///   - now: only says which connections are near each other.
  package init(
    fronts: [any Front], patience: TimeAmount, trust: any TLSContextSource, logger: Logger,
    now: @escaping @Sendable () -> WallTime
  ) {
    self.trust = trust
    self.choice = FrontChoice(fronts)
    self.patience = patience
    self.logger = logger
    self.label = ConnectionLabel(now: now)
  }

  /// Notes where the client is.
  package func handlerAdded(context: ChannelHandlerContext) {
    label.peer = context.remoteAddress?.ipAddress ?? context.remoteAddress?.pathname ?? "unknown"
  }

  /// The handshake's end, or the gateway's.
  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case let handshake as TLSHandshakeCompleted: secured(handshake, context)
    case let proxied as ProxiedConnection:
      self.proxied = proxied
      if let address = proxied.source?.ipAddress { label.peer = address }
    case is GatewayIsStopping: context.close(promise: nil)
    case is GatewayIsDraining:
      isDraining = true
      context.eventLoop.assumeIsolated().scheduleTask(in: GatewayIsDraining.patience) {
        if !self.isInstalled { context.close(promise: nil) }
      }
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  private func secured(_ handshake: TLSHandshakeCompleted, _ context: ChannelHandlerContext) {
    logger.debug(
      "Connection secured",
      metadata: label.metadata([
        "version": "\(handshake.protocolVersion)", "cipher": "\(handshake.cipher)",
        "resumed": "\(handshake.isResumed)", "records": "\(handshake.recordPath.rawValue)",
      ]))
    peer = ConnectionPeer(handshake, channel: context.channel, proxied: proxied, label: label, trust: trust)
    if let front = choice.afterHandshake(handshake.alpn) { return install(front, context) }
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: patience) {
      self.install(self.choice.otherwise, context)
    }
  }

  /// The first bytes of a client without ALPN.
  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    guard peer != nil else { return context.fireChannelRead(data) }
    firstBytes.writeBuffer(&bytes)
    if let front = choice.afterBytes(firstBytes.readableBytesView) { install(front, context) }
  }

  private func install(_ front: any Front, _ context: ChannelHandlerContext) {
    guard let peer else { return }
    self.peer = nil
    isInstalled = true
    deadline?.cancel()
    do {
      try front.install(on: context.channel, peer: peer)
    } catch {
      logger.error("Front could not be installed", metadata: label.metadata(["reason": "\(error)"]))
      return context.close(promise: nil)
    }
    if isDraining { context.fireUserInboundEventTriggered(GatewayIsDraining()) }
    if firstBytes.readableBytes > 0 {
      context.fireChannelRead(wrapInboundOut(firstBytes))
      firstBytes = ByteBuffer()
      context.fireChannelReadComplete()
    }
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  /// What TLS or the socket found wrong: the connection is lost.
  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    logger.debug("Connection lost", metadata: label.metadata(["reason": "\(error)"]))
    context.close(promise: nil)
  }

  /// The connection is over before a front had it.
  package func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    logger.debug("Connection closed", metadata: label.metadata())
    context.fireChannelInactive()
  }
}
