import NIOCore

/// Reads no more from a client for a while whose frames bring next to nothing: others on the event loop go on, and a client that
/// sends so without harm in mind is slowed down only.
final class HTTP2Pace: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer

  /// Such frames a second that a connection may send for as long as it likes: about 2 % of a core.
  static let frames: Int64 = 2000
  /// So many may come at once.
  private static let burst = 4000

  private var count = HTTP2FrameCount()
  /// When what has come is paid for.
  private var due = NIODeadline.uptimeNanoseconds(0)
  private var waits = false
  private var context: ChannelHandlerContext?

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let found = count.take(unwrapInboundIn(data).readableBytesView)
    if found > 0 {
      due = max(due, context.eventLoop.now - Self.time(Self.burst)) + Self.time(found)
    }
    context.fireChannelRead(data)
  }

  func read(context: ChannelHandlerContext) {
    guard due > context.eventLoop.now else { return context.read() }
    guard !waits else { return }
    waits = true
    context.eventLoop.assumeIsolated().scheduleTask(deadline: due) {
      self.waits = false
      self.context?.read()
    }
  }

  private static func time(_ count: Int) -> TimeAmount { .nanoseconds(Int64(count) * 1_000_000_000 / frames) }
}
