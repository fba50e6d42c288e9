import NIOCore
import NIOPosix
import TLSTransport

/// A server on a free port of this machine for the length of `body`.
///
/// - Parameter record: what the application of its connections saw; most tests connect once.
func withServer<Result>(
  _ source: any TLSContextSource, _ behaviour: Application.Behaviour = .echo, record: Record = Record(),
  handshakeDeadline: TimeAmount = .seconds(10), observer: (any TLSObserver)? = nil, autoRead: Bool = true,
  _ body: (_ port: Int, _ record: Record) async throws -> Result
) async throws -> Result {
  let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelOption(.allowRemoteHalfClosure, value: true)
    .childChannelOption(.autoRead, value: autoRead)
    .childChannelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try StagedReceiveAllocator.apply(to: channel)
        try channel.pipeline.syncOperations.addHandler(
          TLSHandler(source: source, handshakeDeadline: handshakeDeadline, observer: observer))
        try channel.pipeline.syncOperations.addHandler(Application(record, behaviour))
      }
    }
    .bind(host: "127.0.0.1", port: 0).get()
  do {
    guard let port = server.localAddress?.port else { preconditionFailure("a bound server has a port") }
    let result = try await body(port, record)
    try await server.close()
    return result
  } catch {
    try? await server.close()
    throw error
  }
}

/// A TLS client's channel.
func connect(
  _ context: TLSContext, port: Int, _ behaviour: Application.Behaviour = .collect, record: Record = Record(),
  serverName: String = "localhost"
) async throws -> (channel: any Channel, record: Record) {
  let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .channelOption(.allowRemoteHalfClosure, value: true)
    .channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try StagedReceiveAllocator.apply(to: channel)
        try channel.pipeline.syncOperations.addHandler(TLSHandler(context: context, serverName: serverName))
        try channel.pipeline.syncOperations.addHandler(Application(record, behaviour))
      }
    }
    .connect(host: "127.0.0.1", port: port).get()
  return (channel, record)
}

/// A TLS client of which the test has the session in its own hand, its handshake complete.
func connectPlainSession(
  _ context: TLSContext, port: Int
) async throws -> (channel: any Channel, session: TLSSession) {
  let (channel, record) = try await connectPlain(port: port)
  let session = try TLSSession(context: context, serverName: "localhost")
  try session.startHandshake()
  if let hello = session.takeOutput() { try await channel.writeAndFlush(hello) }
  var taken = 0
  while !session.isHandshakeComplete {
    let seen = taken
    let contents = await record.wait { $0.bytes.count > seen }
    var plaintext = ByteBuffer()
    _ = contents.bytes[taken...].withUnsafeBytes { session.receive($0, into: &plaintext) }
    taken = contents.bytes.count
  }
  if let finished = session.takeOutput() { try await channel.writeAndFlush(finished) }
  return (channel, session)
}

/// A TCP channel without TLS.
func connectPlain(port: Int, record: Record = Record()) async throws -> (channel: any Channel, record: Record) {
  let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(Application(record, .collect))
      }
    }
    .connect(host: "127.0.0.1", port: port).get()
  return (channel, record)
}
