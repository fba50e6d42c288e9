package import GatewayCore
package import Logging
package import NIOCore
import TLSTransport
import XStream

/// The x-stream front on one connection: does what `ServerExchange` says, with an ``UploadSession`` on the other side.
///
/// Its parts: this file has the channel's events, `XStreamBytes` the way of what arrives, `XStreamUploads` what the session
/// says, `XStreamReplies` what is sent.
package final class XStreamHandler: ChannelDuplexHandler {
  /// Plaintext from the client.
  package typealias InboundIn = ByteBuffer
  /// Not used: nothing is above.
  package typealias InboundOut = Never
  /// Not used: nothing is above.
  package typealias OutboundIn = ByteBuffer
  /// Plaintext for the client.
  package typealias OutboundOut = ByteBuffer

  let gateway: Gateway
  let timeouts: FrontTimeouts
  let logger: Logger
  let peer: ConnectionPeer
  var label: ConnectionLabel { peer.label }
  private var recordPath: TLSRecordPath

  var context: ChannelHandlerContext?
  var session: UploadSession?
  var watch: ConnectionWatch?
  var parser = PacketParser()
  var exchange = ServerExchange()
  /// What has arrived and is not parsed or forwarded yet; at most one read.
  var input = ByteBuffer()
  /// Whether ``process()`` is under way.
  var isProcessing = false
  var hasCleanEnd = false
  var isReadWanted = false
  var isStopping = false
  /// Whether the exchange that is under way, or the first one, is the last.
  var isDraining = false
  /// Whether the client has asked anything yet.
  var wasAsked = false

  /// - Parameter logger: of the gateway; what names the connection is added.
  package init(gateway: Gateway, timeouts: FrontTimeouts, logger: Logger, peer: ConnectionPeer) {
    self.gateway = gateway
    self.timeouts = timeouts
    self.logger = logger
    self.peer = peer
    self.recordPath = peer.recordPath
  }

  // MARK: The connection's life

  /// Remembers the context for what the session says later.
  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    session = UploadSession(
      gateway: gateway, on: context.eventLoop, logger: logger, about: { [label] in label.metadata() }
    ) { self.sessionSaid($0) }
    watch = ConnectionWatch(
      timeouts, on: context.eventLoop, currentPhase: { self.currentPhase }, onVerdict: { self.clientTookTooLong($0) })
    watch?.look()
  }

  /// Breaks the cycles between the handler and what it holds.
  package func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    session = nil
    watch = nil
  }

  /// The connection is lost, or was closed by this side.
  package func channelInactive(context: ChannelHandlerContext) {
    watch?.stop()
    _ = exchange.inputEnded(clean: false)
    session?.connectionIsGone()
    logger.debug("Connection closed", metadata: label.metadata(["records": "\(recordPath.rawValue)"]))
    context.fireChannelInactive()
  }

  /// Whatever TLS or the socket found wrong: the connection is lost. What becomes of its upload is said at that one's end.
  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    logger.debug("Connection lost", metadata: label.metadata(["reason": "\(error)"]))
    context.close(promise: nil)
  }

  /// Whether the client has had every answer, and has begun nothing else.
  var isAtRest: Bool {
    watch?.isDraining == true || exchange.isIdle && parser.isBetweenPackets && input.readableBytes == 0
  }

  /// The client's end, and the gateway's.
  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case let changed as TLSRecordPathChanged: recordPath = changed.recordPath
    case ChannelEvent.inputClosed:
      hasCleanEnd = true
      process()
    case is GatewayIsStopping: stop()
    case is GatewayIsDraining: drainExchanges()
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  /// Progress and requests that waited for the client to read.
  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    watch?.writability(isWritable: context.channel.isWritable)
    if context.channel.isWritable {
      session?.clientReads()
      process()
    } else {
      watch?.look()
    }
    context.fireChannelWritabilityChanged()
  }

  // MARK: Reading

  /// Holds reads back while the upload's window is full or what was read waits for a decision.
  package func read(context: ChannelHandlerContext) {
    if isReadingHeld {
      isReadWanted = true
    } else {
      context.read()
    }
  }

  func readIfWanted() {
    guard isReadWanted, !isReadingHeld else { return }
    isReadWanted = false
    context?.read()
  }

  private var isReadingHeld: Bool { session?.isPaused == true || input.readableBytes > 0 }

  // MARK: Waiting

  private var currentPhase: ClientWatch.Phase {
    if exchange.isIdle { return parser.isBetweenPackets ? .idle : .head }
    return session?.awaitsBytes == true && exchange.isReceiving ? .body : .ownWork
  }

  private func clientTookTooLong(_ verdict: ClientWatch.Verdict) {
    switch verdict {
    case .never, .lookAgain: return
    case .close:
      logger.debug("Connection closed after waiting for its client", metadata: label.metadata())
      context?.close(promise: nil)
    case .headTooSlow:
      reply(exchange.refuseInput(.timeout, reason: "the head took too long"))
      process()
    case .silent, .tooSlow, .tookTooLong: verdict.slowness.map { session?.isSlow($0) }
    }
  }
}
