import NIOCore
import Synchronization
import TLSTransport

/// What the application's end of a channel saw, for a test to wait on.
final class Record: Sendable {
  struct Contents {
    var bytes: [UInt8] = []
    var readCount = 0
    var readCompleteCount = 0
    var channel: (any Channel)?
    var handshake: TLSHandshakeCompleted?
    var isInputClosed = false
    var isOutputClosed = false
    var isInactive = false
    var errors: [any Error] = []

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var tlsErrors: [TLSError] { errors.compactMap { $0 as? TLSError } }
  }

  private struct Waiting {
    let condition: @Sendable (Contents) -> Bool
    let continuation: CheckedContinuation<Contents, Never>
  }

  private let state = Mutex<(contents: Contents, waiting: [Waiting])>((Contents(), []))

  var contents: Contents { state.withLock { $0.contents } }

  func change(_ body: (inout Contents) -> Void) {
    let ready = state.withLock { state in
      body(&state.contents)
      let contents = state.contents
      let ready = state.waiting.filter { $0.condition(contents) }
      state.waiting.removeAll { $0.condition(contents) }
      return ready.map { ($0.continuation, contents) }
    }
    for (continuation, contents) in ready { continuation.resume(returning: contents) }
  }

  /// Waits until the contents are so. The test's time limit is the only one.
  @discardableResult
  func wait(until condition: @escaping @Sendable (Contents) -> Bool) async -> Contents {
    await withCheckedContinuation { continuation in
      let contents: Contents? = state.withLock { state in
        if condition(state.contents) { return state.contents }
        state.waiting.append(Waiting(condition: condition, continuation: continuation))
        return nil
      }
      if let contents { continuation.resume(returning: contents) }
    }
  }
}

/// The application's end of a channel: keeps a record, and does what the test says.
final class Application: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// What to do besides keeping the record.
  struct Behaviour: Sendable {
    var onBytes: @Sendable (ChannelHandlerContext, ByteBuffer) -> Void = { _, _ in }
    var onInputClosed: @Sendable (ChannelHandlerContext) -> Void = { _ in }
    var onHandshake: @Sendable (ChannelHandlerContext) -> Void = { _ in }

    static let collect = Behaviour()
    static let echo = Behaviour(
      onBytes: { context, bytes in context.writeAndFlush(NIOAny(bytes), promise: nil) },
      onInputClosed: { $0.close(promise: nil) })
  }

  private let record: Record
  private let behaviour: Behaviour

  init(_ record: Record, _ behaviour: Behaviour) {
    self.record = record
    self.behaviour = behaviour
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    record.change { $0.channel = channel }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    record.change { $0.readCompleteCount += 1 }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = Self.unwrapInboundIn(data)
    record.change {
      $0.bytes += bytes.readableBytesView
      $0.readCount += 1
    }
    behaviour.onBytes(context, bytes)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case let event as TLSHandshakeCompleted:
      record.change { $0.handshake = event }
      behaviour.onHandshake(context)
    case ChannelEvent.inputClosed:
      record.change { $0.isInputClosed = true }
      behaviour.onInputClosed(context)
    case ChannelEvent.outputClosed:
      record.change { $0.isOutputClosed = true }
    default:
      break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    record.change { $0.errors.append(error) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    record.change { $0.isInactive = true }
  }
}
