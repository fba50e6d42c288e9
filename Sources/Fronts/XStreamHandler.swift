package import GatewayCore
package import Logging
package import NIOCore
import TLSTransport
import XStream

/// Fired as a user event into every connection when the gateway goes away.
package struct GatewayIsStopping: Sendable {
  /// The event.
  package init() {}
}

/// The x-stream front on one connection: does what `ServerExchange` says, with the core on the other side.
///
/// Sits above TLS and knows of it only who the peer is. Its parts: this file has the channel's events, `+Bytes` the way of
/// what arrives, `+Upload` what the core says, `+Replies` what is sent.
package final class XStreamHandler: ChannelDuplexHandler {
  /// Plaintext from the client.
  package typealias InboundIn = ByteBuffer
  /// Not used: nothing is above.
  package typealias InboundOut = Never
  /// Not used: nothing is above.
  package typealias OutboundIn = ByteBuffer
  /// Plaintext for the client.
  package typealias OutboundOut = ByteBuffer

  /// Why bytes are held back although the exchange would take them: the upload is being settled first.
  enum Halt {
    case stopping
    case silent
    case superseded
    /// A stream of unknown length has all that was offered.
    case grantFull
  }

  let gateway: Gateway
  let timeouts: FrontTimeouts
  let logger: Logger
  let label: ConnectionLabel
  var context: ChannelHandlerContext?
  var credentials = Credentials(certificate: nil, token: nil, address: "unknown")
  var connection = ClientConnection()
  /// Who decrypts; nil before the handshake is complete.
  private var recordPath: TLSRecordPath?

  var parser = PacketParser()
  var exchange = ServerExchange()
  /// What has arrived and is not parsed or forwarded yet; at most one read.
  var input = ByteBuffer()
  /// Whether ``process()`` is under way.
  var isProcessing = false
  var hasCleanEnd = false
  var isStopping = false

  /// The upload of the exchange that is under way.
  var upload: Upload?
  /// Tells a late word of an earlier upload from one of the current.
  var uploadNumber = 0
  var hasOffer = false
  /// Where the current offer ends, in bytes from the stream's start.
  var grantedEnd: Int64 = 0
  var halt: Halt?
  var isPaused = false
  /// A partial offer to a stream of unknown length is full, and its end may come together with the last byte.
  var graceForEnd: Scheduled<Void>?

  /// What the current upload has safe, of which the client may not have heard while it did not read.
  var safeOffset: Int64?
  var isReadWanted = false
  var watch: ClientWatch
  var watchTimer: (task: Scheduled<Void>, due: NIODeadline)?

  /// - Parameter logger: of the gateway; what names the connection is added.
  package init(gateway: Gateway, timeouts: FrontTimeouts, logger: Logger) {
    self.gateway = gateway
    self.timeouts = timeouts
    self.logger = logger
    self.label = ConnectionLabel(now: gateway.settings.now)
    self.watch = ClientWatch(timeouts: timeouts, now: .now())
  }

  // MARK: The connection's life

  /// Remembers the context for what the core says later.
  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    credentials.address = context.remoteAddress?.ipAddress ?? context.remoteAddress?.pathname ?? "unknown"
    label.peer = credentials.address
    connection.remote = context.remoteAddress
    connection.local = context.localAddress
    keepWatch()
  }

  /// Breaks the cycle between handler and context.
  package func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
  }

  /// The connection is lost, or was closed by this side.
  package func channelInactive(context: ChannelHandlerContext) {
    stopWatch()
    graceForEnd?.cancel()
    _ = exchange.inputEnded(clean: false)
    upload?.leaveSilently()
    upload = nil
    logger.debug(
      "Connection closed", metadata: label.metadata(recordPath.map { ["records": "\($0.rawValue)"] } ?? [:]))
    context.fireChannelInactive()
  }

  /// Whatever TLS or the socket found wrong: the connection is lost. Where nothing was under way, nothing is lost with it.
  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    let isEnd = error as? TLSError == .truncated || error is IOError
    logger.log(
      level: isEnd && isAtRest ? .debug : .info, "Connection lost", metadata: label.metadata(["reason": "\(error)"]))
    context.close(promise: nil)
  }

  /// Whether the client has had every answer, and has begun nothing else.
  private var isAtRest: Bool {
    guard recordPath != nil else { return false }
    return watch.phase == .draining || exchange.isIdle && parser.isBetweenPackets && input.readableBytes == 0
  }

  /// The handshake's end, the client's end, and the gateway's.
  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case let handshake as TLSHandshakeCompleted:
      credentials.certificate = handshake.peerCertificate.flatMap(CertificateHolder.init)
      connection.hasCertificate = handshake.peerCertificate != nil
      connection.commonName = handshake.peerCertificate?.commonName
      connection.tlsVersion = handshake.protocolVersion
      connection.tlsCipher = handshake.cipher
      connection.alpn = handshake.alpn
      connection.serverName = handshake.serverName
      logger.debug(
        "Connection secured",
        metadata: label.metadata([
          "version": "\(handshake.protocolVersion)", "cipher": "\(handshake.cipher)",
          "resumed": "\(handshake.isResumed)", "records": "\(handshake.recordPath.rawValue)",
        ]))
      recordPath = handshake.recordPath
    case let changed as TLSRecordPathChanged:
      recordPath = changed.recordPath
    case ChannelEvent.inputClosed:
      hasCleanEnd = true
      process()
    case is GatewayIsStopping: stop()
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  /// Progress and requests that waited for the client to read.
  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    watch.writability(isWritable: context.channel.isWritable, now: .now())
    if context.channel.isWritable {
      if let safeOffset { safe(upTo: safeOffset) }
      process()
    } else {
      keepWatch()
    }
    context.fireChannelWritabilityChanged()
  }

  // MARK: Reading

  /// Holds reads back while the upload's window is full or what was read waits for a decision.
  package func read(context: ChannelHandlerContext) {
    if isPaused || input.readableBytes > 0 {
      isReadWanted = true
    } else {
      context.read()
    }
  }

  func readIfWanted() {
    guard isReadWanted, !isPaused, input.readableBytes == 0 else { return }
    isReadWanted = false
    context?.read()
  }

  // MARK: Waiting

  /// Says what the connection waits for now, and sees to it that the timer rings no later than that needs.
  func keepWatch() {
    let now = NIODeadline.now()
    watch.enter(currentPhase, now: now)
    let due: NIODeadline
    switch watch.verdict(now: now) {
    case .never: return
    case .lookAgain(let later): due = later
    case .close, .headTooSlow, .silent: due = now
    }
    // A timer that rings too early looks and is set anew, which is cheaper than one for each read.
    if let watchTimer, watchTimer.due <= due { return }
    stopWatch()
    setWatchTimer(at: due)
  }

  func stopWatch() {
    watchTimer?.task.cancel()
    watchTimer = nil
  }

  private var currentPhase: ClientWatch.Phase {
    if watch.phase == .draining { return .draining }
    if exchange.isIdle { return parser.isBetweenPackets ? .idle : .head }
    guard upload != nil, hasOffer, halt == nil, !isPaused, exchange.isReceiving else { return .ownWork }
    return .body
  }

  private func setWatchTimer(at due: NIODeadline) {
    guard let eventLoop = context?.eventLoop else { return }
    let task = eventLoop.assumeIsolated().scheduleTask(deadline: due) {
      self.watchTimer = nil
      self.lookAtWatch()
    }
    watchTimer = (task, due)
  }

  private func lookAtWatch() {
    switch watch.verdict(now: .now()) {
    case .never: return
    case .lookAgain(let due): setWatchTimer(at: due)
    case .close:
      logger.debug("Connection closed after waiting for its client", metadata: label.metadata())
      context?.close(promise: nil)
    case .headTooSlow:
      reply(exchange.refuseInput(.timeout, reason: "the head took too long"))
      process()
    case .silent: settle(for: .silent)
    }
  }
}

extension CertificateHolder {
  /// `nil` for a certificate of which it is not known who vouches for it.
  init?(_ certificate: PeerCertificate) {
    guard let identity = certificate.identity else { return nil }
    self.init(identity: identity.name, subject: identity.hasSubject ? certificate.subject : nil)
  }
}
