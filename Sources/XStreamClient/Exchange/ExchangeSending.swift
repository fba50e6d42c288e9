import NIOCore
import XStream

// The way of a stream's bytes: from the source to TLS, as fast as the socket takes them.
extension ExchangeHandler {
  /// No more often than ten times a second.
  private static let reportInterval = TimeAmount.milliseconds(100)

  /// For the first word of a server that has not agreed to speak the protocol.
  private static let strangerTimeout = TimeAmount.seconds(15)

  func begin(at offset: Int64, portion: Int64, _ context: ChannelHandlerContext) {
    guard case .feed(let feed) = job?.body else { return }
    feed.onReady = { [weak self] in
      guard let self, let context = self.context else { return }
      self.pump(context)
    }
    do throws(FeedError) {
      try feed.start(at: offset, portion: portion)
    } catch {
      fail(error, context)
      return
    }
    pump(context)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      lastActivity = .now()
      pump(context)
    }
    context.fireChannelWritabilityChanged()
  }

  /// Sends until the socket is full, the source has nothing, or the server takes no more.
  func pump(_ context: ChannelHandlerContext) {
    // A write may call back.
    guard !isPumping else { return }
    isPumping = true
    defer { isPumping = false }
    while case .feed(let feed) = job?.body, context.channel.isWritable {
      let sendable = exchange.sendable
      guard sendable > 0 else {
        // The last byte that was offered may have been the source's last.
        if feed.total == .unlimited, feed.isAtEnd, hasOffer { endStream(feed, context) }
        return
      }
      switch feed.take(Int(min(sendable, Self.largestWrite))) {
      case .bytes(let bytes):
        isWaitingForSource = false
        lastActivity = .now()
        // The machine hears of it first: the write may end the exchange.
        _ = exchange.sent(bytes.readableBytes)
        position += Int64(bytes.readableBytes)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        reportProgress()
      case .wait:
        isWaitingForSource = true
        return
      case .end:
        endStream(feed, context)
        return
      case .failed(let error):
        fail(error, context)
        return
      }
    }
  }

  private func endStream(_ feed: any StreamFeed, _ context: ChannelHandlerContext) {
    feed.onReady = nil
    isWaitingForSource = false
    isInsideUnlimited = false
    lastActivity = .now()
    if exchange.sourceEnded() { context.close(mode: .output, promise: nil) }
  }

  private func fail(_ error: FeedError, _ context: ChannelHandlerContext) {
    loss = loss ?? .closed
    finish(.feedFailed(error, exchange.resumePoint))
    leave()
  }

  // MARK: Reports

  func reportOffer(from offset: Int64) {
    guard let job, let point = exchange.resumePoint else { return }
    let sendable = exchange.sendable
    let isUnbounded = job.request.total == .unlimited && sendable == .max - offset
    job.report(
      .offered(UploadOffer(key: UploadHandle(point.key), offset: offset, granted: isUnbounded ? nil : sendable)))
    (position, safe, hasOffer) = (offset, offset, true)
    lastReport = .uptimeNanoseconds(0)
    reportProgress()
  }

  func reportProgress() {
    let now = NIODeadline.now()
    guard let job, hasOffer, now - lastReport >= Self.reportInterval else { return }
    lastReport = now
    job.report(.progress(progress(of: job)))
  }

  func progress(of job: ExchangeJob) -> UploadProgress {
    var total: Int64?
    if case .known(let count) = job.request.total { total = count }
    return UploadProgress(sent: position, safe: safe, total: total)
  }

  // MARK: Watching

  /// Ends a connection on which nothing moves while the server has the word.
  func keepWatch(_ context: ChannelHandlerContext) {
    let interval = max(TimeAmount.milliseconds(50), .nanoseconds(patience.nanoseconds / 4))
    watch = context.eventLoop.assumeIsolated().scheduleTask(in: interval) { [weak self] in
      guard let self, let context = self.context else { return }
      if self.isSilent(context) {
        self.end(self.isStranger ? .foreign(isHTTP: false) : .silent(self.silenceTimeout))
        self.leave()
      } else {
        self.keepWatch(context)
      }
    }
  }

  private func isSilent(_ context: ChannelHandlerContext) -> Bool {
    guard job != nil, !isWaitingForSource || !context.channel.isWritable else { return false }
    return NIODeadline.now() - lastActivity > patience
  }

  /// Whether what answers may be a server of another kind, which waits for what it understands.
  private var isStranger: Bool { !hasSpoken && !hasAgreed }

  private var patience: TimeAmount { isStranger ? min(silenceTimeout, Self.strangerTimeout) : silenceTimeout }
}
