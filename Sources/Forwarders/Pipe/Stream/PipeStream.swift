internal import CLinux
internal import GatewayCore
internal import NIOCore
internal import TLSTransport

/// The connection to a backend that takes one upload, over all the client's connections. Confined to its event loop.
///
/// Closing its socket resets the connection until the upload is complete, so that a backend never takes the end of the
/// gateway, or of an upload that is dropped, for the end of the upload's bytes. A unix socket has no reset.
final class PipeStream {
  let address: BackendAddress
  let eventLoop: any EventLoop
  /// Why it can take no more.
  private(set) var failure: SinkFailure?
  private let settings: PipeForwarder.Settings
  private var channel: (any Channel)?
  /// Of the channel's socket, which is open for as long as the channel is active.
  private var descriptor: NIOBSDSocket.Handle?
  /// Called once: it is open, or it failed.
  private var onReady: ((PipeStream) -> Void)?
  /// The sink that listens; `nil` while the stream is parked.
  private var listener: ((SinkEvent) -> Void)?

  private var machine: PipeMachine
  private var output = PipeOutput()
  private var memory: PipeMemory
  /// Where a digest was announced, or wanted, before the first byte.
  private var hasher: PipeHasher?
  private var announced: ContentDigest?
  private var computed: ContentDigest?
  private var reply = ByteBuffer()
  private var isOver = false
  private var hasPeerEnded = false
  private var poll: Scheduled<Void>?
  private var pollDelay = PipeStream.shortestPoll
  private var watch: Scheduled<Void>?
  /// A sink waits until what earlier connections left is out: each has a window of its own.
  private var isOpening = false
  private var lastSign = NIODeadline.now()
  /// Whether the end of the output is a FIN, which can go in the segment of the last bytes.
  private var canHoldSegment = false
  /// What NIO had handed to the socket when that was last looked at, in bytes.
  private var handedOver: Int64 = 0

  private static let shortestPoll = TimeAmount.milliseconds(1)
  private static let longestPoll = TimeAmount.milliseconds(20)
  /// A `close_notify` record of TLS 1.2 with AES-GCM, in bytes; one of TLS 1.3 has 24.
  private static let closeNotifySize = 31

  init(
    to address: BackendAddress, for upload: SinkUpload, settings: PipeForwarder.Settings, leftBehind: LeftBehindMemory,
    eventLoop: any EventLoop, onReady: @escaping (PipeStream) -> Void
  ) {
    self.address = address
    self.settings = settings
    self.eventLoop = eventLoop
    self.onReady = onReady
    memory = PipeMemory(leftBehind)
    announced = upload.facts.digest
    let endSize: Int
    if settings.tls != nil {
      endSize = Self.closeNotifySize
    } else if case .unix = address {
      endSize = 0
    } else {
      endSize = 1
      canHoldSegment = true
    }
    machine = PipeMachine(total: upload.facts.total, done: settings.done, endSize: endSize)
    if announced != nil || upload.transfer.digest == .wanted { hasher = makeHasher() }
  }

  // MARK: What a sink says

  /// A sink goes on with it. ``SinkEvent/opened`` or ``SinkEvent/failed(_:)`` follows.
  func attach(from offset: Int64, digest: ContentDigest?, listener: @escaping (SinkEvent) -> Void) {
    self.listener = listener
    if failure == nil, machine.accepted != offset {
      fail(.backend("it got \(machine.accepted) bytes, and the upload goes on at \(offset)"), isAttaching: true)
    }
    if failure == nil, let digest, announced == nil {
      announced = digest
      if offset == 0 {
        hasher = makeHasher()
      } else if hasher == nil {
        fail(.backend("the digest came after bytes that were not hashed"), isAttaching: true)
      }
    }
    if let failure { return listener(.failed(failure)) }
    isOpening = consumed < machine.accepted
    if !isOpening { listener(.opened) }
  }

  func write(_ bytes: ByteBuffer) {
    guard failure == nil, !isOver, channel != nil else { return }
    let count = bytes.readableBytes
    guard count > 0 else { return }
    if canHoldSegment, output.isIdle, machine.isComplete(with: count) {
      // The end of the output follows at once.
      withSocket { _ = sluice_hold_segment($0) }
    }
    hasher?.add(bytes)
    if !machine.isWaiting { lastSign = .now() }
    machine.accept(count)
    handOver(output.add(bytes))
    keepWatch()
  }

  private func handOver(_ pieces: [ByteBuffer]) {
    guard let channel else { return }
    for (index, piece) in pieces.enumerated() {
      let count = piece.readableBytes
      let sent = eventLoop.makePromise(of: Void.self)
      sent.futureResult.assumeIsolated().whenComplete { [self] result in
        memory.freed(count)
        let next = output.sent(count)
        // A failed write is told by the channel too, with a better reason.
        guard case .success = result, failure == nil, !isOver else { return }
        lastSign = .now()
        machine.flushed(count)
        reportConsumed()
        handOver(next)
        proceed()
      }
      if index == pieces.count - 1 {
        channel.writeAndFlush(piece, promise: sent)
      } else {
        channel.write(piece, promise: sent)
      }
    }
  }

  /// Offset after the bytes that hold no memory here any more.
  private var consumed: Int64 { min(machine.flushed, hasher?.hashed ?? .max) }

  private func reportConsumed() {
    // The sink says nothing of an offset that it has said already.
    listener?(.consumed(upTo: consumed))
    guard isOpening, consumed == machine.accepted else { return }
    isOpening = false
    listener?(.opened)
  }

  private func makeHasher() -> PipeHasher {
    PipeHasher(on: eventLoop) { [weak self] in
      if let self, failure == nil, !isOver { reportConsumed() }
    }
  }

  func checkpoint() {
    guard failure == nil, !isOver else { return }
    if !machine.isWaiting { lastSign = .now() }
    machine.checkpoint()
    proceed()
  }

  func finish() {
    guard failure == nil, !isOver else { return }
    guard let hasher else { return endUpload() }
    hasher.finish { [self] computed in
      guard failure == nil, !isOver else { return }
      self.hasher = nil
      self.computed = computed
      if let computed, let announced, computed != announced { return fail(.digest(computed: computed)) }
      endUpload()
    }
  }

  private func endUpload() {
    lastSign = .now()
    machine.finish()
    proceed()
  }

  /// The sink lets go, and another may come. Whatever becomes of the stream until then, that one is told.
  func detach() {
    isOpening = false
    machine.forgetCheckpoint()
    // From here on no window of an upload counts what is not out.
    // What is out and only waits to be hashed is gone in a moment.
    if failure == nil, !isOver { memory.leave(output.count) }
    listener?(.suspended(at: machine.accepted))
    listener = nil
  }

  /// Resets the connection; nothing more is told.
  func abandon() {
    isOpening = false
    listener = nil
    fail(.backend("the upload was dropped"))
  }

  // MARK: What the channel says

  func connected(_ channel: any Channel) {
    self.channel = channel
    // Asked for once: NIO finds out by casts that take longer than a call of the kernel.
    descriptor = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
      of: NIOBSDSocket.Handle.self
    ) { $0 }
    lastSign = .now()
    withSocket { _ = sluice_reset_on_close($0, 1) }
  }

  func ready() {
    let report = onReady
    onReady = nil
    report?(self)
  }

  func received(_ bytes: ByteBuffer) {
    guard failure == nil, !isOver else { return }
    lastSign = .now()
    guard settings.reply > 0 else { return }
    guard bytes.readableBytes <= settings.reply - reply.readableBytes else {
      return fail(.backend("its answer has more than the \(settings.reply) bytes that `reply` takes"))
    }
    reply.writeImmutableBuffer(bytes)
    memory.answer(reply.readableBytes)
  }

  /// The backend ended its side in order.
  func peerEnded() {
    guard failure == nil, !isOver else { return }
    hasPeerEnded = true
    guard machine.peerEnded(unacknowledged: unacknowledged() ?? .max) else {
      return fail(.backend("it closed before it had read everything"))
    }
    proceed()
  }

  /// The socket's stream has ended. With TLS that is no end, unless `close_notify` came before.
  func transportEnded() {
    guard failure == nil, !isOver, !hasPeerEnded, settings.tls != nil else { return }
    fail(.backend("it closed without close_notify"))
  }

  func failed(_ error: any Error) {
    fail(.backend("\(error)"))
  }

  func closed() {
    guard !isOver else { return stopTimers() }
    fail(.backend("it closed the connection"))
  }

  // MARK: What comes next

  private func proceed() {
    guard failure == nil, !isOver else { return }
    if machine.needsSample { sample() }
    while !isOver, failure == nil, let step = machine.next() {
      switch step {
      case .safe(let offset): listener?(.safe(upTo: offset))
      case .endOutput: endOutput()
      case .complete: conclude()
      }
    }
    keepPolling()
    keepWatch()
  }

  private func sample() {
    let before = machine.taken
    guard let count = unacknowledged() else { return }
    machine.sampled(unacknowledged: count)
    if machine.taken > before {
      lastSign = .now()
      pollDelay = Self.shortestPoll
    }
  }

  /// The kernel tells nobody when it gets an acknowledgement, so it has to be asked.
  private func keepPolling() {
    guard failure == nil, !isOver, machine.needsSample else {
      poll?.cancel()
      poll = nil
      pollDelay = Self.shortestPoll
      return
    }
    guard poll == nil else { return }
    poll = eventLoop.assumeIsolated().scheduleTask(in: pollDelay) { [self] in
      poll = nil
      pollDelay = min(pollDelay * 2, Self.longestPoll)
      proceed()
    }
  }

  private func keepWatch() {
    guard failure == nil, !isOver, watch == nil, machine.isWaiting else { return }
    let timeout = TimeAmount(settings.timeout)
    let interval = TimeAmount(max(settings.timeout / 4, .milliseconds(1)))
    watch = eventLoop.assumeIsolated().scheduleTask(in: interval) { [self] in
      watch = nil
      guard failure == nil, !isOver, machine.isWaiting else { return }
      sample()
      lookAtQueue()
      guard lastSign + timeout > .now() else {
        return fail(.backendTimeout("\(address) took and said nothing for \(settings.timeout)"))
      }
      keepWatch()
    }
  }

  /// A slow backend may need longer for one large write than it may be silent.
  private func lookAtQueue() {
    guard let buffered = try? channel?.syncOptions?.getOption(.bufferedWritableBytes) else { return }
    let now = machine.accepted - Int64(output.waitingCount + buffered)
    if now > handedOver { lastSign = .now() }
    handedOver = max(handedOver, now)
  }

  /// NIO closes a socket whose two directions have ended before anybody could look at its send queue, so it is not told
  /// of this end.
  private func endOutput() {
    guard let channel else { return }
    guard settings.tls != nil else {
      withSocket { _ = sluice_end_output($0) }
      machine.outputEnded()
      if machine.needsSample { sample() }
      return
    }
    let promise = eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenSuccess { [self] in
      machine.outputEnded()
      proceed()
    }
    channel.close(mode: .output, promise: promise)
  }

  private func conclude() {
    isOver = true
    stopTimers()
    withSocket { _ = sluice_reset_on_close($0, 0) }
    listener?(.finished(SinkResult(digest: announced ?? computed, reply: reply.readableBytes > 0 ? reply : nil)))
    listener = nil
    reply = ByteBuffer()
    memory.answer(0)
    guard settings.done == .sent else {
      channel?.close(promise: nil)
      return
    }
    // What the backend still says would be answered with a reset, which could cost it bytes that it has not read.
    guard let channel else { return }
    let expiry = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(settings.timeout)) {
      channel.close(promise: nil)
    }
    channel.closeFuture.whenComplete { _ in expiry.cancel() }
  }

  private func fail(_ failure: SinkFailure, isAttaching: Bool = false) {
    guard self.failure == nil, !isOver else { return }
    switch failure {
    case .backend(let what):
      self.failure = .backend(
        "\(address): \(what), after \(max(machine.taken, 0)) bytes that it is known to have taken")
    default: self.failure = failure
    }
    stopTimers()
    hasher?.cancel()
    hasher = nil
    reply = ByteBuffer()
    memory.answer(0)
    memory.freed(output.drop())
    reset()
    if let failure = self.failure, !isAttaching { listener?(.failed(failure)) }
    let report = onReady
    onReady = nil
    report?(self)
  }

  /// Past TLS, which would say `close_notify`.
  private func reset() {
    guard let channel else { return }
    if let tls = try? channel.pipeline.syncOperations.context(handlerType: TLSHandler.self) {
      tls.close(mode: .all, promise: nil)
    } else {
      channel.close(promise: nil)
    }
  }

  private func stopTimers() {
    poll?.cancel()
    poll = nil
    watch?.cancel()
    watch = nil
  }

  /// `nil` where the socket is closed.
  private func unacknowledged() -> Int? {
    var count: Int32 = -1
    withSocket { count = sluice_unacknowledged($0) }
    return count < 0 ? nil : Int(count)
  }

  private func withSocket(_ body: (CInt) -> Void) {
    guard let channel, let descriptor, channel.isActive else { return }
    body(descriptor)
  }
}
