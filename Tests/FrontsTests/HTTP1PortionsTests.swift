import NIOCore
import NIOEmbedded
import Testing

@testable import Fronts

struct HTTP1PortionsTests {
  /// What the parser is given; it reads on while no answer is due, as NIO's pipeline handler does.
  private final class Parser: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    var isAnswerDue = false
    private(set) var portions: [Int] = []
    private(set) var bytes: [UInt8] = []
    private(set) var isInputClosed = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let portion = unwrapInboundIn(data)
      portions.append(portion.readableBytes)
      bytes += portion.readableBytesView
    }

    func read(context: ChannelHandlerContext) {
      if !isAnswerDue { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case ChannelEvent.inputClosed = event { isInputClosed = true }
    }
  }

  private final class Socket: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    private(set) var reads = 0

    func read(context: ChannelHandlerContext) { reads += 1 }
  }

  private final class Body { var isTaken = false }

  private let channel = EmbeddedChannel()
  private let socket = Socket()
  private let parser = Parser()
  private let body = Body()
  private let content = (0..<(5 * HTTP1Portions.size / 2)).map { UInt8(truncatingIfNeeded: $0 * 7 / 3) }

  init() throws {
    let body = body
    try channel.pipeline.syncOperations.addHandlers(socket, HTTP1Portions { body.isTaken }, parser)
  }

  private func arrive(_ bytes: [UInt8]) throws {
    // As a socket that reads by itself.
    try channel.writeInbound(ByteBuffer(bytes: bytes))
    channel.read()
  }

  @Test("a large read is parsed a portion at a time, each when no answer to those before is due")
  func portions() throws {
    parser.isAnswerDue = true
    try arrive(content)
    #expect(parser.portions == [HTTP1Portions.size] && socket.reads == 0)
    channel.read()
    #expect(parser.portions.count == 1, "an answer is due")
    parser.isAnswerDue = false
    channel.read()
    #expect(parser.bytes == content && parser.portions.count == 3 && socket.reads == 1)
    _ = try channel.finish()
  }

  @Test("a small read, and whatever is of a body, is parsed as it came")
  func bodies() throws {
    parser.isAnswerDue = true
    try arrive(Array(content.prefix(HTTP1Portions.size)))
    body.isTaken = true
    try arrive(content)
    #expect(parser.portions == [HTTP1Portions.size, content.count])
    _ = try channel.finish()
  }

  @Test("the rest of a read whose first portion begins a body is parsed at once")
  func bodyBegins() throws {
    parser.isAnswerDue = true
    try arrive(content)
    body.isTaken = true
    parser.isAnswerDue = false
    channel.read()
    #expect(parser.portions == [1, 1, 0.5].map { Int($0 * Double(HTTP1Portions.size)) }, "the first was given before")
    #expect(parser.bytes == content)
    _ = try channel.finish()
  }

  @Test("the end of a client's side waits behind what it asked, and more bytes wait in order")
  func end() throws {
    parser.isAnswerDue = true
    try arrive(content)
    channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    try channel.writeInbound(ByteBuffer(bytes: [1, 2, 3]))
    #expect(parser.portions.count == 1 && !parser.isInputClosed)
    parser.isAnswerDue = false
    channel.read()
    #expect(parser.bytes == content + [1, 2, 3] && parser.isInputClosed)
    _ = try channel.finish()
  }
}
