import NIOCore
import NIOEmbedded
import NIOHTTP2
import TLSTransport
import Testing

@testable import Fronts

/// Bodies over HTTP/2, from the connection's bytes to what a stream hears, with NIO's own handler for everything else.
final class HTTP2BodiesTests {
  /// What a stream hears; holds reading back where it is told to.
  private final class Listener: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload

    private(set) var contents: [ByteBuffer] = []
    private(set) var hasEnd = false
    private(set) var isOver = false
    private(set) var context: ChannelHandlerContext?
    var isHolding = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .headers(let head): hasEnd = head.endStream
      case .data(let data):
        if case .byteBuffer(let bytes) = data.data, bytes.readableBytes > 0 { contents.append(bytes) }
        hasEnd = data.endStream
      default: break
      }
    }

    func read(context: ChannelHandlerContext) {
      if !isHolding { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) { isOver = true }

    var text: String { contents.map { String(buffer: $0) }.joined() }
  }

  /// What is told to the connection's TLS.
  private final class Expectations: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private(set) var counts: [Int64] = []

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
      if let expected = event as? ExpectedPlaintext { counts.append(expected.count) }
      promise?.succeed()
    }
  }

  /// In the order in which they began.
  private final class Streams {
    var listeners: [Listener] = []
  }

  private let channel = EmbeddedChannel()
  private let bodies = HTTP2Bodies(streamWindow: 65_535, connectionWindow: 1 << 20)
  private let expectations = Expectations()
  private let streams = Streams()
  private var excesses = 0

  private var listeners: [Listener] { streams.listeners }

  init() throws {
    bodies.onExcess = { [unowned self] in excesses += 1 }
    let bound = NIOLoopBound((streams, bodies), eventLoop: channel.eventLoop)
    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
    configuration.contentLengthValidation = .disabled
    let handler = NIOHTTP2Handler(
      mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: configuration,
      streamConfiguration: NIOHTTP2Handler.StreamConfiguration()
    ) { stream in
      stream.eventLoop.makeCompletedFuture {
        let (streams, bodies) = bound.value
        let listener = Listener()
        streams.listeners.append(listener)
        try stream.pipeline.syncOperations.addHandlers(HTTP2Body(bodies), listener)
      }
    }
    try channel.pipeline.syncOperations.addHandlers(expectations, bodies, handler)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    try arrive(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, []))
    _ = try answers()
  }

  deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }

  private func frame(_ type: UInt8, _ flags: UInt8, _ stream: Int, _ payload: [UInt8]) -> [UInt8] {
    var bytes = ByteBuffer()
    bytes.writeMultipleIntegers(
      UInt8(payload.count >> 16), UInt16(payload.count & 0xFFFF), type, flags, UInt32(stream))
    return Array(bytes.readableBytesView) + payload
  }

  /// A PUT of `/`.
  private func head(_ stream: Int, length: Int? = nil, ends: Bool = false) -> [UInt8] {
    func literal(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
    // Of the static table: `:scheme: https`, `:path: /`, and the names of `:method`, `:authority` and `content-length`.
    var block: [UInt8] = [0x87, 0x84, 0x02] + literal("PUT") + [0x01] + literal("localhost")
    if let length { block += [0x0F, 28 - 15] + literal("\(length)") }
    return frame(1, ends ? 5 : 4, stream, block)
  }

  private func data(_ stream: Int, _ text: String, ends: Bool = false) -> [UInt8] {
    frame(0, ends ? 1 : 0, stream, Array(text.utf8))
  }

  private func arrive(_ bytes: [UInt8]) throws {
    try channel.writeInbound(ByteBuffer(bytes: bytes))
    channel.embeddedEventLoop.run()
  }

  /// Frames that were sent: type, stream and the number at the payload's beginning.
  private func answers() throws -> [[Int]] {
    var all = ByteBuffer()
    while var part = try channel.readOutbound(as: ByteBuffer.self) { all.writeBuffer(&part) }
    var frames: [[Int]] = []
    while let length = all.readInteger(as: UInt32.self), let flags = all.readInteger(as: UInt8.self),
      let stream = all.readInteger(as: UInt32.self), var payload = all.readSlice(length: Int(length >> 8))
    {
      _ = flags
      frames.append([Int(length & 0xFF), Int(stream), Int(payload.readInteger(as: UInt32.self) ?? 0)])
    }
    return frames
  }

  @Test("all that one read brings of a body is one buffer, and its end comes behind it")
  func oneBuffer() throws {
    try arrive(head(1) + data(1, "some ") + data(1, "") + data(1, "bytes") + data(1, " more", ends: true))
    #expect(listeners[0].contents.count == 1)
    #expect(listeners[0].text == "some bytes more")
    #expect(listeners[0].hasEnd)
  }

  @Test("streams get their own bytes, however they are mixed and cut")
  func mixed() throws {
    let bytes =
      head(1) + head(3) + data(1, "one") + data(3, "three") + data(1, " and one", ends: true)
      + data(3, " and three") + data(3, "", ends: true)
    for byte in bytes { try arrive([byte]) }
    #expect(listeners.map(\.text) == ["one and one", "three and three"])
    #expect(listeners.map(\.hasEnd) == [true, true])
  }

  @Test("while a stream is not read its bytes and its end wait, and its window stays as it is")
  func held() throws {
    try arrive(head(1))
    listeners[0].isHolding = true
    try arrive(data(1, "first"))
    // What was asked for before is given.
    #expect(listeners[0].text == "first")
    let much = String(repeating: "x", count: 12_000)
    try arrive(data(1, much))
    try arrive(data(1, much, ends: true))
    #expect(listeners[0].text == "first")
    #expect(!listeners[0].hasEnd)
    #expect(try answers().filter { $0[1] == 1 }.isEmpty)
    listeners[0].isHolding = false
    listeners[0].context?.read()
    #expect(listeners[0].text == "first" + much + much)
    #expect(listeners[0].hasEnd)
  }

  @Test("a window is opened again by what was read")
  func windows() throws {
    try arrive(head(1))
    let much = String(repeating: "x", count: 16_000)
    try arrive(data(1, much))
    try arrive(data(1, much))
    #expect(try answers() == [[8, 1, 16_000], [8, 1, 16_000]])
  }

  @Test("who sends beyond a window is found out")
  func excess() throws {
    try arrive(head(1))
    listeners[0].isHolding = true
    for _ in 0..<5 { try arrive(data(1, String(repeating: "x", count: 16_000))) }
    // One read was asked for before, and opened the window again.
    #expect(excesses == 0)
    try arrive(data(1, String(repeating: "x", count: 16_000)))
    #expect(excesses == 1)
  }

  @Test(
    "a body of another length than its head says resets its stream, and no other",
    arguments: [(5, "1234"), (5, "123456"), (0, "1"), (5, "")])
  func wrongLength(_ length: Int, _ content: String) throws {
    try arrive(head(1) + head(3, length: length) + data(3, content, ends: true))
    #expect(!listeners[1].hasEnd)
    #expect(listeners[1].isOver)
    // RST_STREAM with PROTOCOL_ERROR.
    #expect(try answers().contains([3, 3, 1]))
    try arrive(data(1, "lives", ends: true))
    #expect(listeners[0].text == "lives")
  }

  @Test("a length without a body resets the stream too")
  func noBody() throws {
    try arrive(head(1, length: 5, ends: true))
    #expect(try answers().contains([3, 1, 1]))
    #expect(!listeners[0].hasEnd)
  }

  @Test("what is put together lies in memory as its place in the file does")
  func aligned() throws {
    try arrive(head(1))
    let much = String(repeating: "x", count: 16_000)
    try arrive(data(1, "a little"))
    listeners[0].context?.triggerUserOutboundEvent(ExpectedPlaintext(count: 1 << 20, from: 12_345), promise: nil)
    for turn in 0..<2 {
      try arrive(data(1, much) + data(1, much) + data(1, much))
      let place = 12_345 + 48_000 * turn
      let bytes = try #require(listeners[0].contents.last)
      #expect(bytes.readableBytes == 48_000)
      bytes.withUnsafeReadableBytes { #expect(Int(bitPattern: $0.baseAddress) % 4096 == place % 4096) }
    }
  }

  @Test("what all streams expect is told to the connection, where their windows are wide")
  func expected() throws {
    try arrive(head(1) + head(3))
    listeners[0].context?.triggerUserOutboundEvent(ExpectedPlaintext(count: 1000, from: 0), promise: nil)
    #expect(expectations.counts.isEmpty)
    bodies.widen(to: 1 << 20)
    listeners[1].context?.triggerUserOutboundEvent(ExpectedPlaintext(count: 500, from: 0), promise: nil)
    #expect(expectations.counts == [1500])
    try arrive(data(1, "0123456789"))
    try arrive(frame(3, 0, 3, [0, 0, 0, 8]))
    #expect(expectations.counts == [1500, 990])
  }
}
