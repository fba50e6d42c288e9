import Logging
import NIOCore
import XStream

// What is sent.
extension XStreamHandler {
  /// - Parameters:
  ///   - body: what the message's `payload` announces.
  ///   - isLast: that the connection's end follows at once, and so goes with it.
  func send(_ message: ServerMessage, body: ByteBuffer? = nil, isLast: Bool = false) {
    guard let context else { return }
    var buffer = context.channel.allocator.buffer(capacity: 256)
    PacketWriter.write(message, into: &buffer)
    if var body { buffer.writeBuffer(&body) }
    context.write(wrapOutboundOut(buffer), promise: nil)
    if !isLast { context.flush() }
  }

  /// Sends the answer that ends an exchange, and does what follows it.
  func reply(_ answer: ServerExchange.OnAnswer, body: ByteBuffer? = nil) {
    guard case .send(let message, let after) = answer else { return }
    log(message)
    session?.ended()
    send(message, body: body, isLast: after != .keepOpen)
    switch after {
    case .keepOpen: if isDraining { stop() }
    case .close: context?.close(promise: nil)
    case .drainThenClose: drain()
    }
  }

  /// Says `close_notify` and reads on for a moment: closed at once, bytes that are still on their way would make the
  /// kernel reset the connection, and the client might never see the packet.
  private func drain() {
    context?.close(mode: .output, promise: nil)
    watch?.drain()
  }

  private func log(_ message: ServerMessage) {
    switch message {
    case .final(let final):
      logger.debug(
        "Exchange ended", metadata: label.metadata(["status": "\(final.status.name)", "left": "\(final.left)"]))
    case .refusal(let refusal):
      // Why is said where it is judged, but for what is no request at all.
      logger.debug(
        "Request answered with a refusal",
        metadata: label.metadata(["status": "\(refusal.status.name)", "reason": "\(refusal.reason)"]))
    case .offer, .progress, .gaveUp: return
    }
  }
}
