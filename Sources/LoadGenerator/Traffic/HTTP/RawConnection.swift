import NIOCore
import TLSTransport

/// A connection that sends bytes as they are, and keeps what comes until the server ends it.
final class RawConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// How it ended.
  enum Ending {
    /// The server closed, after these bytes.
    case closed(String)
    /// It did not, for five seconds.
    case open(String)
    /// There was none.
    case failed(Setback)
  }

  private let bytes: ByteBuffer
  private var onEnd: ((Ending) -> Void)?
  private var context: ChannelHandlerContext?
  private var said = ""
  private var isReady = false
  private let recorder: Recorder

  init(_ bytes: ByteBuffer, _ recorder: Recorder, onEnd: @escaping (Ending) -> Void) {
    self.bytes = bytes
    self.recorder = recorder
    self.onEnd = onEnd
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? TLSHandshakeCompleted {
      isReady = true
      recorder.connected(isResumed: event.isResumed)
      context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
      context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(5)) { [weak self] in
        guard let self else { return }
        self.tell(.open(self.said))
      }
    } else if let event = event as? ChannelEvent, event == .inputClosed {
      tell(.closed(said))
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if said.utf8.count < 4096 { said += String(decoding: unwrapInboundIn(data).readableBytesView, as: UTF8.self) }
  }

  func channelInactive(context: ChannelHandlerContext) { tell(.closed(said)) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // However it ends, it has ended.
    tell(isReady ? .closed(said) : .failed(Setback(connecting: error)))
  }

  /// There is no connection.
  func end(_ setback: Setback) { tell(.failed(setback)) }

  private func tell(_ ending: Ending) {
    onEnd.take()?(ending)
    context?.close(promise: nil)
  }
}
