import DevelopmentCertificates
import NIOCore
import NIOPosix
import TLSTransport
import Testing
import XStream
import XStreamClient

/// What the server does on one connection.
typealias Script = @Sendable (inout ScriptedPeer) async throws -> Void

/// A server on a free port that plays one script for each connection, in order, for the length of `body`. Every
/// script has to be played, to its end and without an error.
func withServer<Value: Sendable>(
  _ scripts: [Script], sourceLocation: SourceLocation = #_sourceLocation,
  _ body: @Sendable (XStreamURL) async throws -> Value
) async throws -> Value {
  let context = try Certificates.serverContext()
  let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelOption(.allowRemoteHalfClosure, value: true)
    .bind(host: "127.0.0.1", port: 0) { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(TLSHandler(context: context))
        return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
          wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: false))
      }
    }
  let port = try #require(server.channel.localAddress?.port)
  let url = try XStreamURL("xstream://localhost:\(port)/in")
  let played = Counter()
  let value = try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask {
      try await server.executeThenClose { connections in
        var iterator = connections.makeAsyncIterator()
        for (number, script) in scripts.enumerated() {
          guard let connection = try await iterator.next(isolation: #isolation) else { return }
          do {
            try await connection.executeThenClose { inbound, outbound in
              var peer = ScriptedPeer(connection.channel, inbound.makeAsyncIterator(), outbound)
              try await script(&peer)
            }
          } catch ScriptedPeer.Cut.cut {
          } catch {
            Issue.record("script \(number) failed: \(error)", sourceLocation: sourceLocation)
          }
          played.add(1)
        }
        // Nobody else is expected, and the listener stays until the body is over.
        guard try await iterator.next(isolation: #isolation) != nil else { return }
        Issue.record("a connection that no script expects", sourceLocation: sourceLocation)
      }
    }
    let value = try await body(url)
    group.cancelAll()
    try? await server.channel.close()
    while let result = await group.nextResult() { _ = result }
    return value
  }
  #expect(played.value == scripts.count, "scripts were left over", sourceLocation: sourceLocation)
  return value
}

/// The client, as a script sees it.
struct ScriptedPeer {
  enum Cut: Error { case cut, ended }

  private let channel: any Channel
  private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  private var input = ByteBuffer()
  private var parser = PacketParser()

  init(
    _ channel: any Channel, _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
    _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  ) {
    self.channel = channel
    self.inbound = inbound
    self.outbound = outbound
  }

  /// The client's next packet.
  mutating func request() async throws -> ClientRequest {
    while true {
      if let head = try parser.parse(&input) { return try ClientRequest(head) }
      guard let more = try await inbound.next(isolation: #isolation) else { throw Cut.ended }
      input = more
    }
  }

  /// The next bytes of the stream.
  mutating func bytes(_ count: Int) async throws -> ByteBuffer {
    while input.readableBytes < count {
      guard var more = try await inbound.next(isolation: #isolation) else { throw Cut.ended }
      input.writeBuffer(&more)
    }
    return input.readSlice(length: count) ?? ByteBuffer()
  }

  /// All bytes until `close_notify`; an end without it throws.
  mutating func rest() async throws -> ByteBuffer {
    while var more = try await inbound.next(isolation: #isolation) { input.writeBuffer(&more) }
    defer { input = ByteBuffer() }
    return input
  }

  func say(_ message: ServerMessage) async throws {
    var bytes = ByteBuffer()
    PacketWriter.write(message, into: &bytes)
    try await outbound.write(bytes)
  }

  func say(_ text: String) async throws {
    try await outbound.write(ByteBuffer(string: text))
  }

  /// Ends the TCP connection without `close_notify`.
  func cut() async throws -> Never {
    let channel = channel
    try await channel.eventLoop.submit {
      try channel.pipeline.syncOperations.context(handlerType: TLSHandler.self).close(promise: nil)
    }.get()
    throw Cut.cut
  }

  /// Waits for the client to go, whatever it still sends.
  mutating func drain() async {
    do { while try await inbound.next(isolation: #isolation) != nil {} } catch {}
  }
}
