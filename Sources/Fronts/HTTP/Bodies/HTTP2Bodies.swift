import NIOCore
import TLSTransport

/// The bodies of one HTTP/2 connection's requests: takes their frames out of what arrives, in front of NIO's handler, and
/// gives them to their streams, all bytes of one read as one buffer.
///
/// NIO's handler would copy each read, and then has objects, queues and events for each 16 KiB of it. It still hears of each
/// body's end. The windows of what it does not see are counted and opened again here.
final class HTTP2Bodies: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// The protocol's default, which the settings leave as it is, in bytes.
  private static let largestFrame = 16 << 10

  /// What each stream's client may have under way, in bytes.
  private(set) var streamWindow: Int
  private var finder = HTTP2BodyFinder()
  private var connectionCredit: HTTP2Credit
  private var bodies: [Int: HTTP2Body] = [:]
  /// The frame that is being taken, and whose it is. The stream may be gone before all of it has come.
  private var current: (frame: HTTP2BodyFinder.Frame, body: HTTP2Body, content: Int)?
  /// Streams that this read brought bytes for.
  private var fed: [HTTP2Body] = []
  /// What is NIO's handler's, and has not gone there yet.
  private var other = ByteBuffer()
  private var context: ChannelHandlerContext?
  private var owesFlush = false
  private var isReading = false
  private var isWide = false
  /// Called when a client sends more than its window has room for.
  var onExcess: () -> Void = {}

  init(streamWindow: Int, connectionWindow: Int) {
    self.streamWindow = streamWindow
    connectionCredit = HTTP2Credit(connectionWindow)
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    bodies = [:]
    fed = []
    current = nil
  }

  // MARK: Streams

  func add(_ body: HTTP2Body, _ stream: Int) { bodies[stream] = body }

  func remove(_ stream: Int) {
    guard let gone = bodies.removeValue(forKey: stream), gone.expected > 0 else { return }
    expectationChanged()
  }

  /// Each stream may have more under way from now on.
  func widen(to window: Int) {
    isWide = true
    streamWindow = window
    for body in bodies.values { body.credit.limit = window }
  }

  /// What the streams expect is another sum than before. Without wide windows no bytes wait for each other: the client
  /// would wait for its window meanwhile.
  func expectationChanged() {
    guard isWide else { return }
    let count = bodies.values.reduce(0) { $0 + $1.expected }
    context?.triggerUserOutboundEvent(ExpectedPlaintext(count: count, from: 0), promise: nil)
  }

  // MARK: What arrives

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    var input = unwrapInboundIn(data)
    while let part = finder.next(&input) {
      switch part {
      case .other(let bytes): keep(bytes)
      case .frame(let frame): begin(frame, context)
      case .content(let bytes, let endsFrame): take(bytes, endsFrame)
      }
    }
    giveOther(context)
  }

  private func keep(_ bytes: ByteBuffer) {
    if other.readableBytes == 0 { other = bytes } else { other.writeImmutableBuffer(bytes) }
  }

  private func giveOther(_ context: ChannelHandlerContext) {
    guard other.readableBytes > 0 else { return }
    let bytes = other
    other = ByteBuffer()
    context.fireChannelRead(wrapInboundOut(bytes))
  }

  private func begin(_ frame: HTTP2BodyFinder.Frame, _ context: ChannelHandlerContext) {
    // The stream may begin in what was kept.
    giveOther(context)
    current = nil
    let body = bodies[frame.stream].flatMap { $0.hasEnd ? nil : $0 }
    let isTaken = body != nil && frame.length <= Self.largestFrame
    if let head = finder.begin(taking: isTaken) {
      keep(head)
    } else if let body {
      let isAllowed = connectionCredit.use(frame.length)
      guard body.credit.use(frame.length), isAllowed else { return onExcess() }
      giveAnew(connectionCredit.take(frame.length), 0)
      current = (frame, body, 0)
    }
  }

  private func take(_ bytes: ByteBuffer, _ endsFrame: Bool) {
    guard let (frame, body, before) = current else { return }
    let content = before + bytes.readableBytes
    if !body.isFed { fed.append(body) }
    body.received(bytes)
    guard endsFrame else {
      current?.content = content
      return
    }
    current = nil
    body.frameEnded(content: content, padding: frame.length - content, endsStream: frame.endsStream)
    // NIO's handler ends the stream, and knows what to do about many frames with nothing in them.
    if frame.endsStream || body.emptyFrames > 1 { frame.writeEmpty(to: &other) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    // A stream's head comes before its body.
    context.fireChannelReadComplete()
    let ready = fed
    fed.removeAll(keepingCapacity: true)
    for body in ready { body.readEnded() }
    isReading = false
    flush()
  }

  // MARK: Windows

  /// Opens a window again; 0 is the connection's.
  func giveAnew(_ count: Int, _ stream: Int) {
    guard count > 0, let context else { return }
    var frame = context.channel.allocator.buffer(capacity: 13)
    // WINDOW_UPDATE (RFC 9113, section 6.9).
    frame.writeMultipleIntegers(UInt8(0), UInt16(4), UInt8(8), UInt8(0), UInt32(stream), UInt32(count))
    context.write(wrapOutboundOut(frame), promise: nil)
    owesFlush = true
    if !isReading { flush() }
  }

  private func flush() {
    guard owesFlush else { return }
    owesFlush = false
    context?.flush()
  }
}
