public import NIOCore

/// TLS for a channel: ciphertext towards the socket, plaintext towards the application, both as `ByteBuffer`.
///
/// - Inbound, all records of one read arrive as one buffer. Its storage is shared by all connections of the event loop
///   and reused once nobody holds it, so whoever keeps a few bytes for long should copy them.
/// - Outbound, writes are encrypted together when flushed; their promises succeed when the socket took the bytes.
/// - ``TLSHandshakeCompleted`` is fired as a user event before the first plaintext. Writes may begin earlier and wait.
/// - `close_notify` from the peer is fired as `ChannelEvent.inputClosed`; writing goes on to be possible.
/// - The end of the stream without it is ``TLSError/truncated``, and the channel closes.
/// - `close(mode: .output)` sends what waits and then `close_notify`. The TCP connection stays open in both directions:
///   `close_notify` alone says all there is to say, and many programs take a FIN for the loss of the whole connection.
/// - `close(mode: .all)` does the same and then closes, at the latest after the close deadline.
/// - Once both directions have ended, the channel closes by itself, as NIO's own do.
///
/// The bootstrap should set `ChannelOptions.allowRemoteHalfClosure` to true, and ``StagedReceiveAllocator``.
public final class TLSHandler: ChannelDuplexHandler {
  /// Ciphertext from the socket.
  public typealias InboundIn = ByteBuffer
  /// Plaintext for the application.
  public typealias InboundOut = ByteBuffer
  /// Plaintext from the application.
  public typealias OutboundIn = ByteBuffer
  /// Ciphertext for the socket.
  public typealias OutboundOut = ByteBuffer

  enum State {
    /// The channel is not active yet.
    case idle
    case handshaking
    case open
    /// Failed: whatever comes in is dropped, and the channel closes once the peer could have read the alert.
    case failed(TLSError)
    /// This side asked for the close: whatever comes in is dropped.
    case closing
    case closed
  }

  /// Ciphertext is handed to the channel in portions of about this size, in bytes.
  static let outputSize = 256 << 10
  /// How long a failed connection stays for the peer to read the alert, unless it closes earlier.
  static let alertLinger = TimeAmount.seconds(1)

  let session: TLSSession
  let handshakeDeadline: TimeAmount
  let closeDeadline: TimeAmount
  private let observer: (any TLSObserver)?
  /// When the channel became active; kept for the observer alone.
  private var handshakeBeganAt: NIODeadline?

  var state = State.idle
  var pending = PendingWrites()
  /// Whether `close(mode: .output)` was asked for, and who wants to know when it is done.
  var wantsOutputClosed = false
  var outputClosePromise: EventLoopPromise<Void>?
  /// Whether the end of this direction alone was asked for, of which those above are told.
  var announcesOutputClosed = false
  /// Whether the channel is being closed, and who wants to know when that is done.
  var isFinishing = false
  var closePromise: EventLoopPromise<Void>?
  /// Bytes that answer the peer's TLS messages and that the socket has not taken yet.
  var unsentAnswerBytes = 0
  var timer: Scheduled<Void>?
  var threshold = ReceiveThreshold()
  /// The offset in its upload of the next byte of plaintext; see ``ExpectedPlaintext``.
  var plaintextOffset: Int64 = 0
  var flowTimer: Scheduled<Void>?

  /// Whether the application asked to read and has got no plaintext since. A read of the socket may bring none.
  private var isReadWanted = false

  /// A handler for one connection with a context that never changes, of a client or a server.
  ///
  /// - Parameters:
  ///   - context: decides the side as well.
  ///   - serverName: for a client the host name or IP address that was asked for; see ``TLSSession``.
  ///   - resumption: for a client a ticket of an earlier connection to the same server, see ``resumption``.
  ///   - handshakeDeadline: from the moment the channel is active.
  ///   - closeDeadline: how long `close(mode: .all)` waits for the socket to take what is left.
  ///   - observer: hears how the handshake ends.
  /// - Throws: ``TLSConfigurationError/serverName(_:)`` or ``TLSConfigurationError/library(cause:)``.
  public init(
    context: TLSContext,
    serverName: String? = nil,
    resuming resumption: TLSResumption? = nil,
    handshakeDeadline: TimeAmount = .seconds(10),
    closeDeadline: TimeAmount = .seconds(5),
    observer: (any TLSObserver)? = nil
  ) throws(TLSConfigurationError) {
    session = try TLSSession(context: context, serverName: serverName)
    if let resumption { session.offer(resumption) }
    self.handshakeDeadline = handshakeDeadline
    self.closeDeadline = closeDeadline
    self.observer = observer
  }

  /// A handler for one connection that a server accepted.
  ///
  /// - Parameters:
  ///   - source: asked once, now.
  ///   - handshakeDeadline: from the moment the channel is active.
  ///   - closeDeadline: how long `close(mode: .all)` waits for the socket to take what is left.
  ///   - observer: hears how the handshake ends.
  /// - Throws: ``TLSConfigurationError/library(cause:)``.
  public convenience init(
    source: any TLSContextSource,
    handshakeDeadline: TimeAmount = .seconds(10),
    closeDeadline: TimeAmount = .seconds(5),
    observer: (any TLSObserver)? = nil
  ) throws(TLSConfigurationError) {
    try self.init(
      context: source.contextForConnection(), handshakeDeadline: handshakeDeadline, closeDeadline: closeDeadline,
      observer: observer)
  }

  /// For a client: with what a later connection may resume this session; nil where the server gave no ticket (yet).
  public var resumption: TLSResumption? { session.resumption }

  /// Begins at once if the channel is active already.
  public func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { start(context) }
  }

  /// Gives up what waits.
  public func handlerRemoved(context: ChannelHandlerContext) {
    end(with: ChannelError.ioOnClosedChannel)
  }

  /// Begins the handshake.
  public func channelActive(context: ChannelHandlerContext) {
    context.fireChannelActive()
    start(context)
  }

  /// Tells a lost connection from one that ended.
  public func channelInactive(context: ChannelHandlerContext) {
    let wasState = state
    end(with: ChannelError.eof)
    switch wasState {
    case .handshaking:
      reportHandshakeFailure(.closedDuringHandshake)
      context.fireErrorCaught(TLSError.closedDuringHandshake)
    case .open where !session.hasReceivedCloseNotify:
      context.fireErrorCaught(TLSError.truncated)
    case .idle, .open, .failed, .closing, .closed:
      break
    }
    context.fireChannelInactive()
  }

  /// Decrypts one read.
  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch state {
    case .handshaking, .open: decrypt(Self.unwrapInboundIn(data), context)
    case .idle, .failed, .closing, .closed: break
    }
  }

  /// Reads again by itself where a read gave the application nothing.
  public func channelReadComplete(context: ChannelHandlerContext) {
    context.fireChannelReadComplete()
    switch state {
    case .handshaking, .failed, .closing:
      context.read()
    case .open:
      if isReadWanted { context.read() }
    case .idle, .closed:
      break
    }
  }

  /// Remembers that the application wants bytes.
  public func read(context: ChannelHandlerContext) {
    isReadWanted = true
    context.read()
  }

  /// The end of the TCP stream is a clean end only after `close_notify`.
  public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard let event = event as? ChannelEvent else {
      context.fireUserInboundEventTriggered(event)
      return
    }
    // Only this handler ends the socket's sending direction, and the application is told of TLS's own.
    guard event == .inputClosed else { return }
    switch state {
    case .handshaking:
      fail(.closedDuringHandshake, context)
    case .open where !session.hasReceivedCloseNotify:
      fail(.truncated, context)
    case .failed:
      closeChannel(context)
    case .idle, .open, .closing, .closed:
      break
    }
  }

  private func start(_ context: ChannelHandlerContext) {
    guard case .idle = state else { return }
    state = .handshaking
    if observer != nil { handshakeBeganAt = .now() }
    startTimer(handshakeDeadline, context) { handler, context in
      handler.fail(.handshakeTimeout(after: handler.handshakeDeadline), context)
    }
    do throws(TLSError) {
      try session.startHandshake()
      writeOutput(context, promise: nil)
      context.flush()
      // With autoRead off nobody above would know that the handshake needs bytes.
      context.read()
    } catch {
      fail(error, context)
    }
  }

  private func decrypt(_ ciphertext: ByteBuffer, _ context: ChannelHandlerContext) {
    let scratch = BufferScratch.current
    let size = ciphertext.readableBytes
    let isShared = size > BufferScratch.threshold
    var plaintext =
      isShared
      ? scratch.plaintext.take(capacity: StagedReceiveAllocator.plaintextCapacity(forCiphertext: size))
      : context.channel.allocator.buffer(capacity: session.isHandshakeComplete ? size : 0)
    if isShared { plaintext.beginAligned(to: plaintextOffset) }
    let received = ciphertext.withUnsafeReadableBytes { session.receive($0, into: &plaintext) }
    scratch.takeBack(received: ciphertext)

    // What goes with a failure is an alert, which is sent there.
    if received.completedHandshake {
      // A ticket is not urgent where the client has sent plaintext already: it goes with the answer to that, or with
      // the next read, which saves a system call.
      completeHandshake(context, isOutputUrgent: received.plaintextByteCount == 0 || !session.owesOnlyTickets)
    } else if received.failure == nil {
      writeAnswers(context)
    }
    if received.hasChangedRecordPath, isOpen {
      context.fireUserInboundEventTriggered(TLSRecordPathChanged(recordPath: session.recordPath))
    }
    if received.plaintextByteCount > 0, isOpen {
      isReadWanted = false
      plaintextOffset += Int64(received.plaintextByteCount)
      noteFlow(received.plaintextByteCount, context)
      context.fireChannelRead(Self.wrapInboundOut(plaintext))
    }
    if isShared { scratch.plaintext.give(plaintext) }
    if isOpen, pending.hasFlushed || wantsOutputClosed { encryptPending(context) }
    if received.closeNotify, isOpen {
      isReadWanted = false
      context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
      closeIfBothEnded(context)
    }
    if let failure = received.failure { fail(failure, context) }
  }

  private func completeHandshake(_ context: ChannelHandlerContext, isOutputUrgent: Bool) {
    state = .open
    timer?.cancel()
    timer = nil
    if isOutputUrgent {
      writeOutput(context, promise: nil)
      context.flush()
    }
    let handshake = session.handshakeSummary()
    if let observer, let handshakeBeganAt {
      observer.handshakeCompleted(
        TLSHandshakeReport(
          protocolVersion: handshake.protocolVersion, isResumed: handshake.isResumed,
          duration: .now() - handshakeBeganAt))
    }
    context.fireUserInboundEventTriggered(handshake)
  }

  /// The handshake, which was under way, will not be complete.
  func reportHandshakeFailure(_ error: TLSError) {
    guard let observer, let handshakeBeganAt else { return }
    observer.handshakeFailed(error, after: .now() - handshakeBeganAt)
  }

  var isOpen: Bool {
    if case .open = state { true } else { false }
  }
}
