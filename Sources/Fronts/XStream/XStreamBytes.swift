package import NIOCore
import XStream

// The way of what arrives: to the parser, to the upload, or nowhere.
extension XStreamHandler {
  /// In bytes.
  private static let worthCopying = 16 << 10

  /// Plaintext of one read.
  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    watch?.received(bytes.readableBytes)
    if input.readableBytes == 0 {
      input = bytes
    } else {
      input.writeBuffer(&bytes)
    }
    // The buffer's storage is shared by the event loop: holding it in two places would cost a copy.
    bytes = ByteBuffer()
    process()
  }

  /// Does with the bytes at hand what the exchange says, until it waits for something.
  ///
  /// What the core answers at once calls this from within a step: then the loop that is under way goes on, as a call for
  /// each of thousands of requests in one read would overflow the stack.
  func process() {
    guard !isProcessing else { return }
    isProcessing = true
    while step() {}
    isProcessing = false
    if input.readableBytes == 0 {
      input = ByteBuffer()
      reportCleanEnd()
    } else if input.readableBytes < Self.worthCopying {
      // The storage is one large read's, of which this may be held for long.
      input = ByteBuffer(bytes: input.readableBytesView)
    }
    watch?.look()
    readIfWanted()
  }

  /// - Returns: whether to go on.
  private func step() -> Bool {
    guard input.readableBytes > 0, let session, session.takesBytes else { return false }
    switch exchange.bytesAvailable(input.readableBytes) {
    case .hold: return false
    // A client that does not read its answers gets no more of them made: they would pile up in memory.
    case .parsePacket: return context?.channel.isWritable == true && parse()
    case .forward(let count, let boundary):
      forward(count, boundary, to: session)
      return true
    case .discard(let count):
      input.moveReaderIndex(forwardBy: count)
      session.endDidNotCome()
      return true
    }
  }

  private func parse() -> Bool {
    do throws(PacketError) {
      guard let head = try parser.parse(&input) else { return false }
      switch exchange.received(head) {
      case .admit(let request): admit(request)
      case .reject(let message, let after): reply(.send(message, after))
      }
    } catch {
      reply(exchange.refuseInput(.malformed, reason: error.reason))
    }
    return true
  }

  private func forward(_ count: Int, _ boundary: ServerExchange.Boundary, to session: UploadSession) {
    if count == input.readableBytes {
      let bytes = input
      input = ByteBuffer()
      session.write(bytes)
    } else if let bytes = input.readSlice(length: count) {
      session.write(bytes)
    }
    switch boundary {
    case .more: return
    case .endOfUpload: session.finish()
    case .endOfGrant: session.grantFilled(isOfUnknownLength: exchange.isOfUnknownLength)
    }
  }

  /// The client has said that it sends no more, and everything before that is taken.
  private func reportCleanEnd() {
    guard hasCleanEnd, let session, session.takesEnd else { return }
    hasCleanEnd = false
    session.endCame()
    switch exchange.inputEnded(clean: true) {
    case .answerFirst: return
    case .finish: session.finish()
    case .suspend, .drop:
      session.leave()
      context?.close(promise: nil)
    case .close: context?.close(promise: nil)
    }
  }
}
