import COpenSSL
import NIOCore
import NIOEmbedded
import Testing

@testable import TLSTransport

/// A peer that asks for answers without end. It is made of OpenSSL itself: a server of TLS 1.2 that sends one
/// HelloRequest after the other, each of which is answered with the alert no_renegotiation.
@Suite struct FloodTests {
  let ours = Certificates.ours

  private func helloRequests(_ count: Int, from server: TLSSession) throws -> ByteBuffer {
    SSL_clear_options(server.handle, shim_OP_NO_RENEGOTIATION())
    for _ in 0..<count {
      try #require(SSL_renegotiate(server.handle) == 1)
      try #require(SSL_do_handshake(server.handle) == 1)
    }
    return try #require(server.takeOutput())
  }

  private func tls12() throws -> TLSContext {
    let context = try ours.serverContext()
    #expect(shim_SSL_CTX_set_max_proto_version(context.handle, TLS1_2_VERSION) == 1)
    return context
  }

  @Test("a few renegotiation attempts are refused and the session goes on; many in one read end it")
  func oneRead() throws {
    let pair = try SessionPair(client: ours.clientContext(), server: tls12())
    try pair.handshake()
    var plaintext = ByteBuffer()
    let few = try helloRequests(3, from: pair.server).withUnsafeReadableBytes {
      pair.client.receive($0, into: &plaintext)
    }
    #expect(few.failure == nil)
    #expect(pair.client.outputByteCount > 0)
    let many = try helloRequests(5000, from: pair.server).withUnsafeReadableBytes {
      pair.client.receive($0, into: &plaintext)
    }
    #expect(many.failure == .flooded)
    #expect(pair.client.outputByteCount < 40 * (IdleAllowance.free + 4))
  }

  @Test(
    "content allows for attempts again", arguments: [IdleAllowance.bytesForEach - 1, 3 * IdleAllowance.bytesForEach])
  func paidFor(bytes: Int) throws {
    let pair = try SessionPair(client: ours.clientContext(), server: tls12())
    try pair.handshake()
    func ask(_ count: Int) throws -> TLSError? {
      var plaintext = ByteBuffer()
      return try helloRequests(count, from: pair.server).withUnsafeReadableBytes {
        pair.client.receive($0, into: &plaintext)
      }
      .failure
    }
    // Each is a message that comes and an alert that goes.
    #expect(try ask(IdleAllowance.free / 2) == nil)
    SSL_set_options(pair.server.handle, shim_OP_NO_RENEGOTIATION())
    _ = pair.client.takeOutput()
    try pair.server.send([UInt8](repeating: 1, count: bytes))
    pair.pump()
    #expect(pair.atClient.failure == nil)
    #expect((try ask(1) == nil) == (bytes >= 2 * IdleAllowance.bytesForEach))
  }

  @Test("a peer that takes no answers is cut off as well")
  func manyReads() throws {
    let server = try TLSSession(context: tls12())
    try server.startHandshake()
    let socket = StuckSocket()
    let record = Record()
    let channel = EmbeddedChannel()
    try channel.pipeline.syncOperations.addHandlers([
      socket, try TLSHandler(context: ours.clientContext(), serverName: "localhost"), Application(record, .collect),
    ])
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    var plaintext = ByteBuffer()
    while record.contents.handshake == nil {
      for bytes in socket.takeWritten() {
        _ = bytes.withUnsafeReadableBytes { server.receive($0, into: &plaintext) }
      }
      try channel.writeInbound(try #require(server.takeOutput()))
    }
    socket.isStuck = true
    var rounds = 0
    while record.contents.errors.isEmpty, rounds < 100 {
      try channel.writeInbound(try helloRequests(1, from: server))
      rounds += 1
    }
    #expect(record.contents.tlsErrors == [.flooded])
    #expect(rounds == IdleAllowance.free / 2 + 1)
    socket.fail()
    _ = try? channel.finish()
  }
}

/// A socket that takes everything until it is stuck, and then keeps each write waiting.
private final class StuckSocket: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  var isStuck = false
  private var written: [ByteBuffer] = []
  private var promises: [EventLoopPromise<Void>] = []

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    written.append(Self.unwrapOutboundIn(data))
    guard isStuck, let promise else {
      promise?.succeed()
      return
    }
    promises.append(promise)
  }

  func takeWritten() -> [ByteBuffer] {
    defer { written = [] }
    return written
  }

  func fail() {
    for promise in promises { promise.fail(ChannelError.ioOnClosedChannel) }
  }
}
