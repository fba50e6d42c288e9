import Logging
import NIOCore
import NIOPosix

/// Stands in the listener's pipeline, and lets it rest where there are no file descriptors, or no memory, for more connections:
/// clients wait in the backlog until there are some again.
///
/// NIO's `AcceptBackoffHandler` delays the next read that somebody asks for. But after a failed `accept` the read before is
/// still pending, so nobody asks, and the event loop would call `accept` again and again for as long as a client waits.
final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel

  static let length = TimeAmount.milliseconds(250)
  /// Where it is memory or handshakes that there is no room for: some of those end at any moment.
  static let shortLength = TimeAmount.milliseconds(20)
  /// The log says no more often that clients wait.
  private static let silence = TimeAmount.seconds(10)

  private let logger: Logger
  private let most: Int?
  private let isMemoryFull: () -> Bool
  private var open = 0
  private var end: Scheduled<Void>?
  private var isFull = false
  private var nextWord = NIODeadline.now()

  /// - Parameters:
  ///   - most: rests while so many connections are open. Reads of the listener must accept one at a time for that.
  ///   - isFull: rests while there is no memory for more.
  init(logger: Logger, most: Int?, isFull: @escaping () -> Bool = { false }) {
    self.logger = logger
    self.most = most
    self.isMemoryFull = isFull
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if let most {
      let accepted = unwrapInboundIn(data)
      let channel = context.channel
      let pause = NIOLoopBound(self, eventLoop: context.eventLoop)
      open += 1
      accepted.closeFuture.hop(to: context.eventLoop).whenComplete { _ in
        pause.value.closed(channel)
      }
      if open >= most {
        isFull = true
        say("as many are open as there are file descriptors for", ["connections": .stringConvertible(open)])
        setReading(false, channel)
      }
    }
    context.fireChannelRead(data)
    guard end == nil, isMemoryFull() else { return }
    say("as much memory is in use, or as many handshakes are under way, as may be")
    rest(context.channel, for: Self.shortLength)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.fireErrorCaught(error)
    // What ends the listener is no reason to wait.
    guard error is IOError, context.channel.isActive, end == nil else { return }
    say("none can be accepted", ["reason": "\(error)"])
    rest(context.channel, for: Self.length)
  }

  private func rest(_ channel: any Channel, for length: TimeAmount) {
    setReading(false, channel)
    end = channel.eventLoop.assumeIsolated().scheduleTask(in: length) {
      self.end = nil
      guard channel.isActive else { return }
      if self.isMemoryFull() { return self.rest(channel, for: Self.shortLength) }
      if !self.isFull { self.setReading(true, channel) }
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    end?.cancel()
    end = nil
    context.fireChannelInactive()
  }

  private func closed(_ listener: any Channel) {
    open -= 1
    guard isFull else { return }
    isFull = false
    if end == nil { setReading(true, listener) }
  }

  private func say(_ reason: String, _ metadata: Logger.Metadata = [:]) {
    let now = NIODeadline.now()
    guard now >= nextWord else { return }
    nextWord = now + Self.silence
    logger.warning("Connections wait: \(reason)", metadata: metadata)
  }

  private func setReading(_ isReading: Bool, _ channel: any Channel) {
    // On its own event loop this is done at once. It fails for a channel that is closed, which accepts nobody anyway.
    channel.setOption(.autoRead, value: isReading).assumeIsolated().whenFailure { _ in }
  }
}
