import NIOCore

/// Gives the parser what one read brought in portions where that may be thousands of requests: each waits for the answers to
/// those of the one before.
///
/// A parsed request takes ten times its bytes, and what waits for its turn is held as such by NIO's pipeline handler. That one
/// reads no more while an answer is due, so a read from it is the word for the next portion. Bodies pass as they came.
final class HTTP1Portions: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer

  /// The most bytes that are parsed at a time outside of a body.
  static let size = 64 << 10

  private let isTakingBody: () -> Bool
  private var held = ByteBuffer()
  private var isInputClosed = false
  private var isGiving = false
  private var isReadWanted = false

  /// - Parameter isTakingBody: whether what the parser has been given ends within the body of the request whose turn it is.
  init(_ isTakingBody: @escaping () -> Bool) {
    self.isTakingBody = isTakingBody
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    guard held.readableBytes == 0 else {
      held.writeBuffer(&bytes)
      return
    }
    guard bytes.readableBytes > Self.size, !isTakingBody() else { return context.fireChannelRead(data) }
    held = bytes
    // Whoever reads meanwhile has the parser in hand.
    isGiving = true
    give(context)
    isGiving = false
    if isReadWanted {
      isReadWanted = false
      read(context: context)
    }
  }

  func read(context: ChannelHandlerContext) {
    if isGiving {
      isReadWanted = true
    } else if held.readableBytes > 0 {
      giveWhileWanted(context)
    } else {
      context.read()
    }
  }

  /// What the client asked before it ended its side is answered first.
  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event, held.readableBytes > 0 {
      isInputClosed = true
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    held = ByteBuffer()
    context.fireChannelInactive()
  }

  /// Each portion ends like a read, after which the pipeline is asked for the next as a socket would ask.
  private func giveWhileWanted(_ context: ChannelHandlerContext) {
    isGiving = true
    repeat {
      isReadWanted = false
      give(context)
      context.fireChannelReadComplete()
      if isInputClosed, held.readableBytes == 0 {
        isInputClosed = false
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
      }
      context.pipeline.read()
    } while isReadWanted && held.readableBytes > 0
    isGiving = false
    if isReadWanted {
      isReadWanted = false
      context.read()
    }
  }

  /// The next portion; all that is left where it is of a body.
  private func give(_ context: ChannelHandlerContext) {
    guard let portion = held.readSlice(length: min(Self.size, held.readableBytes)) else { return }
    context.fireChannelRead(wrapInboundOut(portion))
    guard held.readableBytes == 0 || isTakingBody() else { return }
    let rest = held
    // Not kept: it is the buffer of a whole read.
    held = ByteBuffer()
    if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
  }
}
