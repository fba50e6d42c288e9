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
    job?.hold = nil
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
      let sendable = min(exchange.sendable, content.size - position)
      guard sendable > 0 else {
        if job.request.total == .unlimited, position == content.size { endStream(context) }
        return
      }
      var most = min(Int64(portionSize), sendable)
      if let hold = job.hold {
        guard position < hold else {
          isHeld = true
          owner?.held(self)
          return
        }
        most = min(most, hold - position)
      }
      if position < job.oneByOne { most = 1 }
      if let bandwidth {
        guard mayGo(&most, bandwidth, context) else { return }
      }
      send(content.portion(at: position, most: Int(most)), context)
      if position <= job.oneByOne {
        // In the next turn, so that other connections have theirs.
        context.eventLoop.assumeIsolated().execute { self.pump() }
        return
      }
    }
  }

  private func send(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    let count = bytes.readableBytes
    let now = NIODeadline.now()
    lastActivity = now
    position += Int64(count)
    recorder.sent(count)
    // The machine hears of it first: the write may end the exchange.
    if case .awaitFinal = exchange.sent(count) { lastByteAt = now }
    context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
  }

  func writePayload(_ context: ChannelHandlerContext) {
    guard let content = job?.content else { return }
    while position < content.size {
      let bytes = content.portion(at: position, most: UploadContent.largestPortion)
      position += Int64(bytes.readableBytes)
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

  /// - Returns: whether a portion may go at once; otherwise it goes later.
  private func mayGo(_ most: inout Int64, _ bandwidth: Int64, _ context: ChannelHandlerContext) -> Bool {
    let now = NIODeadline.now()
    guard nextSend <= now else {
      context.eventLoop.assumeIsolated().scheduleTask(deadline: nextSend) { [weak self] in self?.pump() }
      return false
    }
    // Twenty portions a second are smooth enough.
    most = min(most, max(1, bandwidth / 20))
    nextSend = max(nextSend, now - .milliseconds(50)) + .nanoseconds(Int64(Double(most) / Double(bandwidth) * 1e9))
    return true
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
