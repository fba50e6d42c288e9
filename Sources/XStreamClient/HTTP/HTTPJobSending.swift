import HTTPUpload
import NIOCore
import NIOHTTP1

// The way of a request's content: from the source to TLS, as fast as the socket takes it.
extension HTTPJobHandler {
  /// No write is larger, in bytes.
  private static let largestWrite: Int64 = 1 << 20
  /// No more often than ten times a second.
  private static let reportInterval = TimeAmount.milliseconds(100)
  /// A source that has had nothing for so long may have nothing for long: what it gave is to be safe meanwhile.
  private static let pauseLimit = TimeAmount.milliseconds(500)
  /// The portion that file reads are whole multiples of.
  private static let portion: Int64 = 64 << 10

  func begin(_ context: ChannelHandlerContext) {
    guard let feed = job?.feed, let start = job?.request.start else { return }
    feed.onReady = { [weak self] in
      guard let self, let context = self.context else { return }
      self.pump(context)
    }
    do throws(FeedError) {
      try feed.start(at: start, portion: Self.portion)
    } catch {
      fail(error)
      return
    }
    lastReport = .uptimeNanoseconds(0)
    pump(context)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      lastActivity = .now()
      pump(context)
    }
    context.fireChannelWritabilityChanged()
  }

  /// Sends until the socket is full, the source has nothing, or the request has all of its content.
  func pump(_ context: ChannelHandlerContext) {
    // A write may call back.
    guard !isPumping else { return }
    isPumping = true
    defer { isPumping = false }
    while let job, let feed = job.feed, !hasSentAll, context.channel.isWritable {
      let room = room(in: job.request)
      guard room > 0 else {
        sourceEnded = feed.isAtEnd
        endContent(context)
        return
      }
      switch feed.take(Int(min(room, Self.largestWrite))) {
      case .bytes(let bytes):
        pause?.cancel()
        isWaitingForSource = false
        lastActivity = .now()
        position += Int64(bytes.readableBytes)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
        // What is not sent again need not be kept.
        if !job.request.mayRepeat { feed.safe(upTo: position) }
        reportProgress()
      case .wait:
        waitForSource(job, context)
        return
      case .end:
        sourceEnded = true
        endContent(context)
        return
      case .failed(let error):
        fail(error)
        return
      }
    }
  }

  /// How many bytes the request may still have.
  private func room(in request: DialogueRequest) -> Int64 {
    switch request.content {
    case .none: 0
    case .bytes(let count): request.start + count - position
    case .some(let most): request.start + most - position
    case .all: .max
    }
  }

  private func waitForSource(_ job: HTTPJob, _ context: ChannelHandlerContext) {
    guard !isWaitingForSource else { return }
    isWaitingForSource = true
    guard case .some = job.request.content, position > job.request.start else { return }
    pause = context.eventLoop.assumeIsolated().scheduleTask(in: Self.pauseLimit) { [weak self] in
      guard let self, let context = self.context, self.job != nil, self.isWaitingForSource else { return }
      self.endContent(context)
    }
  }

  /// The request is whole.
  func endContent(_ context: ChannelHandlerContext) {
    hasSentAll = true
    isWaitingForSource = false
    pause?.cancel()
    job?.feed?.onReady = nil
    lastActivity = .now()
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  private func fail(_ error: FeedError) {
    finish(.feedFailed(error))
    leave()
  }

  // MARK: Reports

  func reportProgress() {
    let now = NIODeadline.now()
    guard let job, now - lastReport >= Self.reportInterval else { return }
    lastReport = now
    job.report(progress(of: job))
  }

  func progress(of job: HTTPJob) -> UploadProgress {
    UploadProgress(sent: position, safe: max(safe ?? job.safe, job.safe), total: job.total)
  }

  // MARK: Watching

  /// Ends a connection on which nothing moves while the server has the word.
  func keepWatch(_ context: ChannelHandlerContext) {
    let interval = max(TimeAmount.milliseconds(50), .nanoseconds(silenceTimeout.nanoseconds / 4))
    watch = context.eventLoop.assumeIsolated().scheduleTask(in: interval) { [weak self] in
      guard let self, let context = self.context else { return }
      if self.isSilent(context) {
        self.end(.silent(self.silenceTimeout))
        self.leave()
      } else {
        self.keepWatch(context)
      }
    }
  }

  private func isSilent(_ context: ChannelHandlerContext) -> Bool {
    guard job != nil, !isWaitingForSource || !context.channel.isWritable else { return false }
    return NIODeadline.now() - lastActivity > silenceTimeout
  }
}
