public import NIOCore

extension TLSHandler {
  /// Ends one direction or both, as said at ``TLSHandler``.
  public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    switch mode {
    case .input:
      context.close(mode: .input, promise: promise)
    case .output:
      closeOutput(context, promise)
    case .all:
      closeAll(context, promise)
    }
  }

  /// Ends the connection on account of an error: the alert is sent, those above are told, and the channel closes.
  func fail(_ error: TLSError, _ context: ChannelHandlerContext) {
    switch state {
    case .failed, .closing, .closed: return
    case .handshaking: reportHandshakeFailure(error)
    case .idle, .open: break
    }
    state = .failed(error)
    timer?.cancel()
    timer = nil
    if case .truncated = error {
      // The peer may still read: it should see that this side ended in order.
      session.sendCloseNotify()
    }
    let hasAlert = session.outputByteCount > 0
    writeOutput(context, promise: nil)
    context.flush()
    failPending(error)
    takeOutputClosePromise()?.fail(error)
    context.fireErrorCaught(error)
    // A peer whose stream has ended sends nothing more to wait for.
    if case .truncated = error { finish(context, lingering: false) } else { finish(context, lingering: hasAlert) }
  }

  /// Sends what waits and then `close_notify`, when OpenSSL is ready for it.
  func sendCloseNotify(_ context: ChannelHandlerContext) {
    session.sendCloseNotify()
    let waiting = takeOutputClosePromise()
    guard waiting != nil || announcesOutputClosed else {
      writeOutput(context, promise: nil)
      context.flush()
      return closeIfBothEnded(context)
    }
    let sent = context.eventLoop.makePromise(of: Void.self)
    sent.futureResult.assumeIsolated().whenComplete { [weak self] result in
      waiting?.completeWith(result.map { _ in })
      if case .success = result, let self, self.isOpen, self.announcesOutputClosed {
        context.fireUserInboundEventTriggered(ChannelEvent.outputClosed)
      }
    }
    writeOutput(context, promise: sent)
    context.flush()
    closeIfBothEnded(context)
  }

  /// Closes the channel when neither side has anything more to say.
  func closeIfBothEnded(_ context: ChannelHandlerContext) {
    guard isOpen, session.hasSentCloseNotify, session.hasReceivedCloseNotify else { return }
    state = .closing
    finish(context, lingering: false)
  }

  /// Closes the channel now.
  func closeChannel(_ context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    let promise = closePromise
    closePromise = nil
    context.close(mode: .all, promise: promise)
  }

  /// The channel is gone: cancels the timers and completes every promise.
  func end(with error: any Error) {
    state = .closed
    timer?.cancel()
    timer = nil
    flowTimer?.cancel()
    flowTimer = nil
    failPending(error)
    takeOutputClosePromise()?.fail(error)
    let promise = closePromise
    closePromise = nil
    // The channel is closed, which is what was asked for.
    promise?.succeed()
  }

  /// Calls `action` after a time, unless the timer is cancelled or replaced before.
  func startTimer(
    _ delay: TimeAmount, _ context: ChannelHandlerContext,
    _ action: @escaping (TLSHandler, ChannelHandlerContext) -> Void
  ) {
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
      guard let self else { return }
      self.timer = nil
      action(self, context)
    }
  }

  private func closeOutput(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    switch state {
    case .idle, .handshaking, .open:
      guard !wantsOutputClosed else {
        promise?.fail(ChannelError.outputClosed)
        return
      }
      wantsOutputClosed = true
      announcesOutputClosed = true
      outputClosePromise = promise
      flush(context: context)
    case .failed(let error):
      promise?.fail(error)
    case .closing, .closed:
      promise?.fail(ChannelError.alreadyClosed)
    }
  }

  private func closeAll(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    switch state {
    case .idle, .handshaking:
      state = .closing
      failPending(ChannelError.ioOnClosedChannel)
      takeOutputClosePromise()?.fail(ChannelError.ioOnClosedChannel)
      timer?.cancel()
      timer = nil
      context.close(mode: .all, promise: promise)
    case .open:
      closePromise.setOrCascade(to: promise)
      wantsOutputClosed = true
      flush(context: context)
      // Where encrypting failed, `fail` has begun to close the channel.
      guard isOpen else { return }
      state = .closing
      failPending(ChannelError.ioOnClosedChannel)
      finish(context, lingering: false)
    case .failed, .closing:
      closePromise.setOrCascade(to: promise)
    case .closed:
      context.close(mode: .all, promise: promise)
    }
  }

  /// Closes the channel once the socket took everything, or the deadline is over.
  ///
  /// - Parameter lingering: first end only the sending direction, and give the peer a moment. Bytes that arrive at a
  ///   closed socket are answered with a reset, and a reset makes the peer lose the alert that it did not read yet.
  private func finish(_ context: ChannelHandlerContext, lingering: Bool) {
    guard !isFinishing else { return }
    isFinishing = true
    let sent = context.eventLoop.makePromise(of: Void.self)
    sent.futureResult.assumeIsolated().whenComplete { [self] result in
      if case .closed = state { return }
      guard lingering, case .success = result else {
        closeChannel(context)
        return
      }
      context.close(mode: .output, promise: nil)
      context.read()
    }
    context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: sent)
    // Mostly the socket takes everything at once, and the channel is closed already.
    if case .closed = state { return }
    startTimer(lingering ? Self.alertLinger : closeDeadline, context) { $0.closeChannel($1) }
  }

  private func failPending(_ error: any Error) {
    for promise in pending.removeAll() { promise.fail(error) }
  }

  private func takeOutputClosePromise() -> EventLoopPromise<Void>? {
    defer { outputClosePromise = nil }
    return outputClosePromise
  }
}
