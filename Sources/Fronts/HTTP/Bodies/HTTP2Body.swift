import NIOCore
import NIOHPACK
import NIOHTTP2
import TLSTransport

/// The body of one request over HTTP/2, at the bottom of its stream's handlers: what ``HTTP2Bodies`` brings it gives on as
/// NIO would have, while the stream is read, and before what NIO says of the body's end.
///
/// It holds the client to its `content-length` (RFC 9113, section 8.1.1), which NIO cannot while it does not see the bytes.
final class HTTP2Body: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  /// Up to this size what waits is put into one buffer, in bytes.
  private static let little = 32 << 10

  private weak var bodies: HTTP2Bodies?
  private var context: ChannelHandlerContext?
  private var stream = 0

  /// What the client may send.
  var credit = HTTP2Credit(0)
  /// Whether this read brought bytes.
  private(set) var isFed = false
  /// Whether the client has ended the body.
  private(set) var hasEnd = false
  /// Frames in a row that had nothing in them.
  private(set) var emptyFrames = 0
  /// Bytes that may still come, as far as is known.
  private(set) var expected: Int64 = 0

  /// Of this read, as they came.
  private var pieces: [ByteBuffer] = []
  private var pieceBytes = 0
  /// Of earlier reads, while the stream is not read.
  private var ready: [ByteBuffer] = []
  /// The body's end, behind what is ``ready``.
  private var ends: [HTTP2Frame.FramePayload] = []
  /// Where the next gathered byte goes, in bytes from the upload's start.
  private var offset: Int64 = 0
  /// `content-length`; `nil` where there is none, or where it is for others to refuse.
  private var declared: Int?
  private var told = 0
  private var hasHead = false
  private var isReadWanted = false
  private var isDelivering = false
  private var isBroken = false

  init(_ bodies: HTTP2Bodies?) { self.bodies = bodies }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    guard let bodies, let stream = try? context.channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)
    else { return }
    self.stream = Int(stream)
    credit = HTTP2Credit(bodies.streamWindow)
    bodies.add(self, self.stream)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    bodies?.remove(stream)
    self.context = nil
  }

  // MARK: What the connection brings

  func received(_ bytes: ByteBuffer) {
    isFed = true
    guard bytes.readableBytes > 0 else { return }
    pieces.append(bytes)
    pieceBytes += bytes.readableBytes
    expected = max(0, expected - Int64(bytes.readableBytes))
  }

  /// All of a frame was received.
  func frameEnded(content: Int, padding: Int, endsStream: Bool) {
    hasEnd = endsStream
    emptyFrames = content == 0 ? emptyFrames + 1 : 0
    if padding > 0 { giveAnew(padding) }
  }

  /// The read that brought these bytes is over.
  func readEnded() {
    isFed = false
    gather()
    deliver()
  }

  /// Makes one buffer of the pieces, which lies as its place in the file does: what is written to a store is then copied this
  /// once. What has to wait is copied too, as a piece holds the memory of a whole read.
  private func gather() {
    guard let first = pieces.first else { return }
    let count = pieceBytes
    if pieces.count == 1, isReadWanted, ready.isEmpty {
      ready.append(first)
    } else if let last = ready.last?.readableBytes, last + count <= Self.little {
      for piece in pieces { ready[ready.count - 1].writeImmutableBuffer(piece) }
    } else {
      var gathered = SharedBuffers.take(count, alignedTo: offset)
      for piece in pieces { gathered.writeImmutableBuffer(piece) }
      SharedBuffers.giveBack(gathered)
      ready.append(gathered)
    }
    offset += Int64(count)
    pieces.removeAll(keepingCapacity: pieces.count <= 64)
    pieceBytes = 0
  }

  // MARK: What NIO brings

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let payload = unwrapInboundIn(data)
    switch payload {
    case .headers(let head) where !hasHead:
      hasHead = true
      let lengths = head.headers["content-length"]
      declared = lengths.count == 1 ? Int(lengths[0]) : nil
      pass(payload, isEnd: head.endStream)
    case .headers, .data:
      gather()
      ends.append(payload)
      deliver()
    default: context.fireChannelRead(data)
    }
  }

  func read(context: ChannelHandlerContext) {
    isReadWanted = true
    deliver()
    context.read()
  }

  func channelInactive(context: ChannelHandlerContext) {
    drain()
    bodies?.remove(stream)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    drain()
    context.fireErrorCaught(error)
  }

  // MARK: The way up

  private func deliver() {
    guard hasHead, !isDelivering else { return }
    isDelivering = true
    while isReadWanted, !ready.isEmpty, let context {
      isReadWanted = false
      pass(ready.removeFirst())
      context.fireChannelReadComplete()
      // As every channel does that reads by itself; whoever holds reading back stops it.
      context.channel.pipeline.read()
    }
    while ready.isEmpty, !ends.isEmpty { passEnd(ends.removeFirst()) }
    isDelivering = false
  }

  /// The stream is over: whoever reads it gets all that has come, and its window stays closed.
  private func drain() {
    hasEnd = true
    gather()
    guard hasHead, !isDelivering else { return }
    isDelivering = true
    while !ready.isEmpty { pass(ready.removeFirst()) }
    while !ends.isEmpty { passEnd(ends.removeFirst()) }
    isDelivering = false
  }

  private func pass(_ bytes: ByteBuffer) {
    guard !isBroken else { return }
    let count = bytes.readableBytes
    told += count
    if let declared, told > declared { return breakOff() }
    context?.fireChannelRead(wrapInboundOut(.data(.init(data: .byteBuffer(bytes)))))
    giveAnew(count)
  }

  private func passEnd(_ payload: HTTP2Frame.FramePayload) {
    let isEnd =
      switch payload {
      case .headers(let trailers): trailers.endStream
      case .data(let data): data.endStream
      default: false
      }
    pass(payload, isEnd: isEnd)
    context?.fireChannelReadComplete()
  }

  private func pass(_ payload: HTTP2Frame.FramePayload, isEnd: Bool) {
    guard !isBroken else { return }
    if isEnd, let declared, told != declared { return breakOff() }
    context?.fireChannelRead(wrapInboundOut(payload))
  }

  private func giveAnew(_ count: Int) {
    let anew = credit.take(count)
    if !hasEnd { bodies?.giveAnew(anew, stream) }
  }

  /// The body has another length than it says.
  private func breakOff() {
    isBroken = true
    context?.writeAndFlush(wrapOutboundOut(.rstStream(.protocolError)), promise: nil)
  }

  // MARK: What is expected

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    guard let next = event as? ExpectedPlaintext else {
      return context.triggerUserOutboundEvent(event, promise: promise)
    }
    let waiting = ready.reduce(0) { $0 + Int64($1.readableBytes) }
    offset = next.offset + waiting
    expected = max(0, next.count - waiting - Int64(pieceBytes))
    bodies?.expectationChanged()
    promise?.succeed()
  }
}
