internal import GatewayCore
internal import NIOCore

/// One client connection's hold on a ``PipeStream``, which may live on another event loop. Confined to its own.
final class PipeSink: Sink {
  private let key: UploadKey
  private let eventLoop: any EventLoop
  private let parking: PipeParking
  private var onEvent: (SinkEvent) -> Void
  private var stream: PipeStreamReference?

  /// Offset after the bytes that the stream was said to have taken.
  private var consumed: Int64
  private(set) var place: SinkPlace?
  private var hasFailed = false
  private var isOver = false
  private let offset: Int64

  private var isInCall = false
  private var waiting: [SinkEvent] = []

  /// - Parameter stream: a parked one; without it the sink waits for ``opened(_:)`` or ``failedToOpen(_:)``.
  init(
    key: UploadKey, from offset: Int64, on eventLoop: any EventLoop, stream: PipeStreamReference?, parking: PipeParking,
    onEvent: @escaping (SinkEvent) -> Void
  ) {
    self.key = key
    self.offset = offset
    self.consumed = offset
    self.eventLoop = eventLoop
    self.stream = stream
    self.parking = parking
    self.place = stream.map { .backend($0.address.description) }
    self.onEvent = onEvent
  }

  // MARK: Opening

  /// Asks the stream to let this sink go on with it. No event comes from within.
  func attach(digest: ContentDigest?) {
    let offset = offset
    call { [listener = makeListener()] in $0.attach(from: offset, digest: digest, listener: listener) }
  }

  /// A new stream is open.
  func opened(_ stream: PipeStreamReference, digest: ContentDigest?) {
    guard !isOver else { return stream.run { $0.abandon() } }
    self.stream = stream
    place = .backend(stream.address.description)
    attach(digest: digest)
  }

  /// No backend takes it.
  func failedToOpen(_ failure: SinkFailure) {
    said(.failed(failure))
  }

  // MARK: What the upload says

  func write(_ bytes: ByteBuffer) {
    call { $0.write(bytes) }
  }

  func checkpoint() {
    call { $0.checkpoint() }
  }

  func finish() {
    call { $0.finish() }
  }

  func suspend() {
    guard let stream, !isOver, !hasFailed else {
      // What has no stream has nothing to go on with, and what failed is known as that already.
      stream?.run { $0.abandon() }
      isInCall = true
      said(.suspended(at: consumed))
      isInCall = false
      return
    }
    let reference = stream
    call { [key, parking] stream in
      // The next sink may look for it as soon as this one's last event is out.
      parking.park(reference, key)
      stream.detach()
    }
  }

  func abandon() {
    call { $0.abandon() }
    conclude()
  }

  private func call(_ body: @escaping @Sendable (PipeStream) -> Void) {
    eventLoop.preconditionInEventLoop()
    guard !isOver, let stream else { return }
    isInCall = true
    stream.run(body)
    isInCall = false
  }

  // MARK: What the stream says

  private func makeListener() -> @Sendable (SinkEvent) -> Void {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    return { [eventLoop] event in
      if eventLoop.inEventLoop { bound.value.said(event) } else { eventLoop.execute { bound.value.said(event) } }
    }
  }

  private func said(_ event: SinkEvent) {
    guard isInCall || !waiting.isEmpty else { return deliver(event) }
    // Never from within a call, and never past one that waits.
    if case .consumed = event, case .consumed? = waiting.last { waiting.removeLast() }
    waiting.append(event)
    guard waiting.count == 1 else { return }
    eventLoop.assumeIsolated().execute { [self] in
      while !waiting.isEmpty { deliver(waiting.removeFirst()) }
    }
  }

  private func deliver(_ event: SinkEvent) {
    guard !isOver else { return }
    switch event {
    case .opened: onEvent(event)
    case .consumed(let offset):
      // Bytes of the connection before are no news.
      guard offset > consumed else { return }
      consumed = offset
      onEvent(event)
    case .safe: onEvent(event)
    case .failed:
      hasFailed = true
      onEvent(event)
    case .finished, .found, .suspended:
      let tell = onEvent
      conclude()
      tell(event)
    }
  }

  private func conclude() {
    isOver = true
    stream = nil
    onEvent = { _ in }
  }
}
