package import Logging
package import NIOCore

/// Fired as a user event into a connection that came through a proxy, before anything else of it: where its two ends really are.
package struct ProxiedConnection: Sendable {
  /// The client's end; `nil` where the proxy speaks for itself.
  package let source: SocketAddress?
  /// The end that the client connected to.
  package let destination: SocketAddress?
}

/// Stands below TLS, and takes a proxy's header off the beginning of a connection. Then it leaves the pipeline.
///
/// From a proxy that is trusted there has to be one: a receiver must not guess (proxy-protocol.txt, section 2). From whoever
/// else there may be none, as it could say that the client is anybody.
package final class ProxyHeaderReader: ChannelInboundHandler, RemovableChannelHandler {
  /// From the socket.
  package typealias InboundIn = ByteBuffer
  /// What came behind the header.
  package typealias InboundOut = ByteBuffer

  private static let foreign = "a PROXY header from an address that is not trusted"

  private let isTrusted: Bool
  private let logger: Logger
  private var received = ByteBuffer()
  private var isDone = false

  /// - Parameter isTrusted: whether the other end of the connection is a proxy that may say where clients are.
  package init(isTrusted: Bool, logger: Logger) {
    self.isTrusted = isTrusted
    self.logger = logger
  }

  /// Waits for all of a header. How long it may take is TLS's own patience, which has begun.
  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDone else { return context.fireChannelRead(data) }
    var bytes = unwrapInboundIn(data)
    received.writeBuffer(&bytes)
    switch ProxyHeaderParser.parse(received.readableBytesView) {
    case .incomplete: return
    case .absent where !isTrusted: pass(context)
    case .header(let length, let source, let destination) where isTrusted:
      received.moveReaderIndex(forwardBy: length)
      if source != nil {
        context.fireUserInboundEventTriggered(ProxiedConnection(source: source, destination: destination))
      }
      pass(context)
    case .header: refuse(Self.foreign, context)
    case .absent: refuse("no PROXY header from a trusted proxy", context)
    case .malformed(let what): refuse(isTrusted ? "a PROXY header with \(what)" : Self.foreign, context)
    }
  }

  /// A part of a read asks for the next by itself: TLS does not know that there was one.
  package func channelReadComplete(context: ChannelHandlerContext) {
    context.fireChannelReadComplete()
    if !isDone { context.read() }
  }

  private func pass(_ context: ChannelHandlerContext) {
    isDone = true
    let rest = received
    received = ByteBuffer()
    if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  private func refuse(_ reason: String, _ context: ChannelHandlerContext) {
    isDone = true
    received = ByteBuffer()
    // Of a proxy it is a fault in how things are set up; of whoever else, a probe.
    logger.log(
      level: isTrusted ? .info : .debug, "Connection refused",
      metadata: ["reason": "\(reason)", "peer": "\(context.remoteAddress?.ipAddress ?? "unknown")"])
    context.close(promise: nil)
  }
}
