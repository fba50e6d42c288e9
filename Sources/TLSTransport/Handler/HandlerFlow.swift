public import NIOCore

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

// How many bytes have to arrive before the socket wakes its event loop; see ``ReceiveThreshold``.
extension TLSHandler {
  /// Takes ``ExpectedPlaintext`` from the application; every other event goes on towards the socket.
  public func triggerUserOutboundEvent(
    context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
  ) {
    guard let expected = event as? ExpectedPlaintext else {
      context.triggerUserOutboundEvent(event, promise: promise)
      return
    }
    threshold.expected = expected.count
    plaintextOffset = expected.offset
    promise?.succeed()
  }

  /// So many bytes of plaintext have come.
  func noteFlow(_ count: Int, _ context: ChannelHandlerContext) {
    guard threshold.expected > 0 else { return }
    carryOut(threshold.received(count, now: .now()), context)
  }

  private func carryOut(_ change: ReceiveThreshold.Change, _ context: ChannelHandlerContext) {
    switch change {
    case .none: return
    case .raise:
      setThreshold(ReceiveThreshold.bulk, context)
      watchFlow(context)
    case .lower: setThreshold(1, context)
    }
  }

  /// The option only saves time, so a socket that does not have it is no error.
  private func setThreshold(_ bytes: Int, _ context: ChannelHandlerContext) {
    try? context.channel.syncOptions?.setOption(.socketOption(.init(rawValue: SO_RCVLOWAT)), value: bytes)
  }

  private func watchFlow(_ context: ChannelHandlerContext) {
    guard flowTimer == nil else { return }
    flowTimer = context.eventLoop.assumeIsolated().scheduleTask(in: ReceiveThreshold.lookInterval) { [self] in
      flowTimer = nil
      guard isOpen else { return }
      carryOut(threshold.look(now: .now()), context)
      if threshold.isRaised { watchFlow(context) }
    }
  }
}
