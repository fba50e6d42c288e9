import Logging
import NIOCore
import NIOPosix

/// Stands in the listener's pipeline, and lets it rest where a connection cannot be accepted because the process or the
/// system is out of file descriptors or memory: clients wait in the backlog until there are some again.
///
/// NIO's `AcceptBackoffHandler` delays the next read that somebody asks for. But after a failed `accept` the read before is
/// still pending, so nobody asks, and the event loop would call `accept` again and again for as long as a client waits.
final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel

  static let length = TimeAmount.milliseconds(250)

  private let logger: Logger
  private var end: Scheduled<Void>?

  init(logger: Logger) {
    self.logger = logger
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.fireErrorCaught(error)
    // What ends the listener is no reason to wait.
    guard error is IOError, context.channel.isActive, end == nil else { return }
    logger.warning("Connections wait: none can be accepted", metadata: ["reason": "\(error)"])
    setReading(false, context.channel)
    end = context.eventLoop.assumeIsolated().scheduleTask(in: Self.length) {
      self.end = nil
      self.setReading(true, context.channel)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    end?.cancel()
    end = nil
    context.fireChannelInactive()
  }

  private func setReading(_ isReading: Bool, _ channel: any Channel) {
    // On its own event loop this is done at once. It fails for a channel that is closed, which accepts nobody anyway.
    channel.setOption(.autoRead, value: isReading).assumeIsolated().whenFailure { _ in }
  }
}
