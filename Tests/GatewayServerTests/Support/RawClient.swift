import NIOCore
import NIOPosix
import Synchronization
import TLSTransport

/// A client that sends what it likes, over TLS or without it.
final class RawClient: Sendable {
  /// How the server's side of a connection ended.
  enum End: Sendable, Equatable {
    case closeNotify
    case cut
  }

  private struct State {
    var text: [UInt8] = []
    var end: End?
    var isSecured = false
    var isResumed = false
    var (lastMethod, lastPath): (String?, String?)
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  let channel: any Channel
  private let state: SharedState

  private final class SharedState: Sendable {
    let state = Mutex(State())

    func change(_ body: (inout State) -> Void) {
      let waiting = state.withLock { state in
        body(&state)
        defer { state.waiting = [] }
        return state.waiting
      }
      for continuation in waiting { continuation.resume() }
    }
  }

  private init(channel: any Channel, state: SharedState) {
    self.channel = channel
    self.state = state
  }

  /// Connects, and waits for the end of the handshake.
  ///
  /// - Parameters:
  ///   - hearsLittle: whether the kernel keeps next to nothing for a client that does not read.
  ///   - applicationProtocols: what it offers in ALPN.
  ///   - header: what goes before TLS.
  ///   - identity: the certificate that it shows.
  ///   - ticket: of an earlier session, which it offers to go on with.
  static func connect(
    _ port: Int, usesTLS: Bool = true, hearsLittle: Bool = false, applicationProtocols: [String] = ["x-stream/1"],
    behind header: ByteBuffer? = nil, identity: TLSClientConfiguration.Identity? = nil, ticket: TLSResumption? = nil
  ) async throws -> RawClient {
    let state = SharedState()
    let context = try TLSContext(
      client: TLSClientConfiguration(
        trust: .caFile(TestCertificates.ours.ca), identity: identity, applicationProtocols: applicationProtocols))
    var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    if hearsLittle { bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: 4096) }
    let channel =
      try await bootstrap
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let header { try channel.pipeline.syncOperations.addHandler(Header(header)) }
          if usesTLS {
            try channel.pipeline.syncOperations.addHandler(
              TLSHandler(context: context, serverName: "localhost", resuming: ticket))
          }
          try channel.pipeline.syncOperations.addHandler(Reader(state))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
    let client = RawClient(channel: channel, state: state)
    if usesTLS { await client.wait { $0.isSecured || $0.end != nil } }
    return client
  }

  /// Whether the session of the ticket goes on.
  var isResumed: Bool { state.state.withLock { $0.isResumed } }

  /// What a later connection may go on with. The server's first answer brings it.
  func ticket() async throws -> TLSResumption? {
    try await channel.eventLoop.submit { [channel] in
      try channel.pipeline.syncOperations.handler(type: TLSHandler.self).resumption
    }.get()
  }

  func send(_ text: String) async throws {
    // The second word of a request's first line, where it is one of HTTP.
    let words = text.prefix { $0 != "\r" && $0 != "\r\n" }.split(separator: " ")
    if words.count == 3, words[2].hasPrefix("HTTP/") {
      state.change { ($0.lastMethod, $0.lastPath) = (String(words[0]), String(words[1])) }
    }
    try await channel.writeAndFlush(ByteBuffer(string: text))
  }

  /// The method of the last request of HTTP.
  var lastMethod: String? { state.state.withLock { $0.lastMethod } }

  /// The path of the last request of HTTP.
  var lastPath: String? { state.state.withLock { $0.lastPath } }

  /// Takes so many bytes away.
  func take(_ count: Int) async {
    await wait { $0.text.count >= count || $0.end != nil }
    state.change { $0.text.removeFirst(min(count, $0.text.count)) }
  }

  func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

  /// Sends without waiting for the socket to take it.
  func push(_ bytes: ByteBuffer) { channel.writeAndFlush(bytes, promise: nil) }

  /// Opens a stream.
  func open(total: String, key: String? = nil, ack: Int? = nil, route: String = "/upload-file") async throws {
    var head = "headers:\n    route: \(route)\n    data-format: bytes\n    x-stream: \(total):65536\n"
    if let key { head += "    x-stream-key: \(key)\n" }
    if let ack { head += "    x-stream-ack: \(ack)\n" }
    try await send(head + "payload: -\n")
  }

  /// The next packet's headers; nil if the connection ends before it.
  func packet() async -> [String: String]? {
    while true {
      let (head, end) = state.state.withLock { state in (Self.takeHead(&state.text), state.end) }
      if let head { return head }
      if end != nil { return nil }
      await wait { $0.end != nil || Self.hasHead($0.text) }
    }
  }

  /// The next line without its end; nil if the connection ends before it.
  func line() async -> String? {
    while true {
      let (line, end) = state.state.withLock { state -> (String?, End?) in
        guard let index = state.text.firstIndex(of: UInt8(ascii: "\n")) else { return (nil, state.end) }
        defer { state.text.removeFirst(index + 1) }
        return (String(decoding: state.text[..<index], as: UTF8.self), nil)
      }
      if let line { return line }
      if end != nil { return nil }
      await wait { $0.end != nil || $0.text.contains(UInt8(ascii: "\n")) }
    }
  }

  /// The next packet that is no progress packet, and the last offset that was said to be safe before it.
  func answer() async -> (headers: [String: String], safe: Int?)? {
    var safe: Int?
    while let packet = await packet() {
      guard packet["x-stream"] == nil, packet["status"] == nil else { return (packet, safe) }
      safe = packet["x-stream-offset"].flatMap { Int($0) }
    }
    return nil
  }

  /// What has come and was not taken as a packet.
  var text: String { state.state.withLock { String(decoding: $0.text, as: UTF8.self) } }

  /// Waits for the end of the server's side.
  func end() async -> End {
    while true {
      if let end = state.state.withLock({ $0.end }) { return end }
      await wait { $0.end != nil }
    }
  }

  /// Whether it reads what the server sends.
  func reads(_ reads: Bool) async throws { try await channel.setOption(.autoRead, value: reads).get() }

  /// Sends `close_notify`.
  func finish() { channel.close(mode: .output, promise: nil) }

  /// Ends the TCP connection without `close_notify`.
  func drop() async throws {
    try await channel.eventLoop.submit { [channel] in
      let context = try channel.pipeline.syncOperations.context(handlerType: TLSHandler.self)
      context.close(mode: .all, promise: nil)
    }.get()
  }

  /// Waits until it is so.
  private func wait(until condition: @Sendable (State) -> Bool) async {
    while !state.state.withLock({ condition($0) }) {
      await withCheckedContinuation { continuation in
        let isOver = state.state.withLock { state in
          if condition(state) { return true }
          state.waiting.append(continuation)
          return false
        }
        if isOver { continuation.resume() }
      }
    }
  }

  private static func hasHead(_ text: [UInt8]) -> Bool {
    var copy = text
    return takeHead(&copy) != nil
  }

  private static func takeHead(_ text: inout [UInt8]) -> [String: String]? {
    var headers: [String: String] = [:]
    var rest = text[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      let line = String(decoding: rest[..<end], as: UTF8.self)
      rest = rest[(end + 1)...]
      if line.hasPrefix("payload:") {
        text = Array(rest)
        return headers
      }
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[String(line[..<colon].drop { $0 == " " })] = String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    return nil
  }

  /// Sends some bytes before all others.
  private final class Header: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let bytes: ByteBuffer

    init(_ bytes: ByteBuffer) { self.bytes = bytes }

    func channelActive(context: ChannelHandlerContext) {
      context.write(wrapOutboundOut(bytes), promise: nil)
      context.fireChannelActive()
    }
  }

  private final class Reader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let state: SharedState

    init(_ state: SharedState) { self.state = state }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = Self.unwrapInboundIn(data)
      state.change { $0.text += bytes.readableBytesView }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if let handshake = event as? TLSHandshakeCompleted {
        state.change { ($0.isSecured, $0.isResumed) = (true, handshake.isResumed) }
      }
      if case ChannelEvent.inputClosed = event { state.change { $0.end = $0.end ?? .closeNotify } }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      state.change { $0.end = $0.end ?? .cut }
      context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { state.change { $0.end = $0.end ?? .cut } }
  }
}
