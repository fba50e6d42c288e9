import NIOCore
import XStream

// The way of the bytes: from the stock to TLS, as fast as the socket or the bandwidth takes them.
extension LoadConnection {
  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      lastActivity = .now()
      pump()
    }
    context.fireChannelWritabilityChanged()
  }

  /// Goes on after a hold.
  func release() {
    isHeld = false
    flow.hold = nil
    lastActivity = .now()
    pump()
  }

  /// Sends until the socket is full, the bandwidth is used up, or nothing is left.
  func pump() {
    // A write, or an owner who is told, may call back.
    guard !isPumping, !isHeld else { return }
    isPumping = true
    defer { isPumping = false }
    while let context, let job, let content = job.content, job.request.isStream, context.channel.isWritable {
      let sendable = min(exchange.sendable, content.size - flow.position)
      guard sendable > 0 else {
        if job.request.total == .unlimited, flow.position == content.size { endStream(context) }
        return
      }
      switch flow.next(content, sendable: sendable) {
      case .hold:
        isHeld = true
        owner?.held(self)
        return
      case .later(let moment):
        context.eventLoop.assumeIsolated().scheduleTask(deadline: moment) { [weak self] in self?.pump() }
        return
      case .send(let bytes, let yields):
        send(bytes, context)
        guard yields else { continue }
        context.eventLoop.assumeIsolated().execute { self.pump() }
        return
      }
    }
  }

  private func send(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    let count = bytes.readableBytes
    let now = NIODeadline.now()
    lastActivity = now
    recorder.sent(count)
    // The machine hears of it first: the write may end the exchange.
    if case .awaitFinal = exchange.sent(count) { lastByteAt = now }
    context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
  }

  func writePayload(_ context: ChannelHandlerContext) {
    guard let content = job?.content else { return }
    while flow.position < content.size {
      let bytes = content.portion(at: flow.position, most: UploadContent.largestPortion)
      flow.position += Int64(bytes.readableBytes)
      recorder.sent(bytes.readableBytes)
      context.write(wrapOutboundOut(bytes), promise: nil)
    }
    lastByteAt = .now()
  }

  private func endStream(_ context: ChannelHandlerContext) {
    job?.content = nil
    lastByteAt = .now()
    if exchange.sourceEnded() { context.close(mode: .output, promise: nil) }
  }
}

extension ClientRequest {
  /// Whether bytes follow an offer.
  var isStream: Bool {
    switch self {
    case .open, .resume: true
    case .ask, .giveUp, .payload: false
    }
  }
}
