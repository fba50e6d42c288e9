public import NIOCore

extension TLSHandler {
  /// Keeps the bytes until the next flush. The promise succeeds when the socket took them.
  public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch state {
    case .idle, .handshaking, .open:
      guard !wantsOutputClosed else {
        promise?.fail(ChannelError.outputClosed)
        return
      }
      pending.append(Self.unwrapOutboundIn(data), promise)
    case .failed(let error):
      promise?.fail(error)
    case .closing, .closed:
      promise?.fail(ChannelError.ioOnClosedChannel)
    }
  }

  /// Encrypts and sends what was written. Before the handshake is complete it waits for that.
  public func flush(context: ChannelHandlerContext) {
    pending.flush()
    if isOpen { encryptPending(context) }
  }

  /// Encrypts what was flushed, then ends this direction if that was asked for.
  func encryptPending(_ context: ChannelHandlerContext) {
    guard !session.hasSentCloseNotify else { return }
    do throws(TLSError) {
      while pending.hasFlushed {
        let promises = try pending.encrypt(into: session, outputSize: Self.outputSize)
        if session.outputByteCount == 0, promises.isEmpty { break }
        // `close_notify` goes with the last bytes.
        if promises.isEmpty, wantsOutputClosed, pending.isEmpty { break }
        writeOutput(context, promise: Self.join(promises))
      }
    } catch {
      context.flush()
      fail(error, context)
      return
    }
    if wantsOutputClosed, pending.isEmpty { sendCloseNotify(context) }
    context.flush()
  }

  /// Hands the session's output to the channel. With a promise something is written in any case, to keep the order.
  func writeOutput(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
    guard let output = session.takeOutput() else {
      if let promise { context.write(Self.wrapOutboundOut(ByteBuffer()), promise: promise) }
      return
    }
    if output.storageCapacity > BufferScratch.threshold { BufferScratch.current.encrypted.give(output) }
    context.write(Self.wrapOutboundOut(output), promise: promise)
  }

  /// Sends what OpenSSL itself has to say after a read: alerts, tickets, key updates.
  ///
  /// A peer can provoke these without end and not read any, so what the socket did not take is counted.
  func writeAnswers(_ context: ChannelHandlerContext) {
    let count = session.outputByteCount
    guard count > 0 else { return }
    guard isOpen else {
      writeOutput(context, promise: nil)
      context.flush()
      return
    }
    unsentAnswerBytes += count
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.unsentAnswerBytes -= count }
    writeOutput(context, promise: promise)
    context.flush()
    if unsentAnswerBytes > TLSSession.answerLimit { fail(.flooded, context) }
  }

  /// One promise that completes all of them.
  private static func join(_ promises: [EventLoopPromise<Void>]) -> EventLoopPromise<Void>? {
    guard let first = promises.first else { return nil }
    for other in promises.dropFirst() { first.futureResult.cascade(to: other) }
    return first
  }
}
