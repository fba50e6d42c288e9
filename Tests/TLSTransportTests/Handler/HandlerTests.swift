import Foundation
import NIOCore
import NIOPosix
import TLSTransport
import Testing

@Suite(.timeLimit(.minutes(1))) struct HandlerTests {
  let ours = Certificates.ours

  @Test("a write from before the handshake waits for it, and both sides are told what was agreed")
  func earlyWrite() async throws {
    try await withServer(ours.serverContext(alpn: ["x-stream/1"])) { port, atServer in
      let (channel, atClient) = try await connect(ours.clientContext(alpn: ["x-stream/1"]), port: port)
      try await channel.writeAndFlush(ByteBuffer(string: "headers:"))
      await atClient.wait { $0.text == "headers:" }
      #expect(atServer.contents.handshake?.alpn == "x-stream/1")
      #expect(atClient.contents.handshake?.alpn == "x-stream/1")
      #expect(atServer.contents.handshake?.serverName == "localhost")
      try await channel.close()
      let end = await atServer.wait { $0.isInactive }
      #expect(end.isInputClosed)
      #expect(end.errors.isEmpty)
    }
  }

  @Test("32 MiB go through an echo in order, in few reads", arguments: TLSProfile.allCases)
  func large(profile: TLSProfile) async throws {
    try await withServer(ours.serverContext(profile: profile)) { port, atServer in
      let (channel, atClient) = try await connect(ours.clientContext(profile: profile), port: port)
      let piece = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }
      let count = 32
      for _ in 0..<count { channel.write(ByteBuffer(bytes: piece), promise: nil) }
      try await channel.writeAndFlush(ByteBuffer())
      try await channel.close(mode: .output)
      let end = await atClient.wait { $0.isInputClosed }
      #expect(end.bytes.count == count * piece.count)
      for index in 0..<count where end.bytes.count == count * piece.count {
        let isEqual = end.bytes.withUnsafeBytes { bytes in
          bytes.baseAddress.map { memcmp($0 + index * piece.count, piece, piece.count) } == 0
        }
        #expect(isEqual)
      }
      #expect(end.errors.isEmpty && atServer.contents.errors.isEmpty)
      // One read for a record would be more than two thousand.
      #expect(atServer.contents.readCount < 1000)
    }
  }

  @Test("small writes of one flush travel in one record and arrive as one read")
  func coalescing() async throws {
    try await withServer(ours.serverContext(), .collect) { port, atServer in
      let (channel, atClient) = try await connect(ours.clientContext(), port: port)
      await atClient.wait { $0.handshake != nil }
      let written = try await channel.eventLoop.submit {
        let promises = (0..<100).map { _ in channel.eventLoop.makePromise(of: Void.self) }
        for promise in promises { channel.write(ByteBuffer(string: "0123456789"), promise: promise) }
        channel.flush()
        return EventLoopFuture.andAllSucceed(promises.map(\.futureResult), on: channel.eventLoop)
      }.get()
      try await written.get()
      let end = await atServer.wait { $0.bytes.count == 1000 }
      #expect(end.readCount == 1)
      try await channel.close()
    }
  }

  @Test("a client that ends its direction still gets a large answer, and then the clean end")
  func halfCloseByClient() async throws {
    let answer = ByteBuffer(repeating: 7, count: 3_000_000)
    let behaviour = Application.Behaviour(onInputClosed: { context in
      context.write(NIOAny(answer), promise: nil)
      context.close(promise: nil)
    })
    try await withServer(ours.serverContext(), behaviour) { port, atServer in
      let (channel, atClient) = try await connect(ours.clientContext(), port: port)
      let late = try await channel.eventLoop.submit {
        channel.write(ByteBuffer(string: "all of it"), promise: nil)
        channel.close(mode: .output, promise: nil)
        return channel.writeAndFlush(ByteBuffer(string: "more"))
      }.get()
      await #expect(throws: ChannelError.outputClosed) { try await late.get() }
      let end = await atClient.wait { $0.isInactive }
      #expect(end.bytes.count == 3_000_000)
      #expect(end.isInputClosed && end.isOutputClosed)
      #expect(end.errors.isEmpty)
      let served = await atServer.wait { $0.isInactive }
      #expect(served.text == "all of it")
      #expect(served.errors.isEmpty)
    }
  }

  @Test("a server that ends its direction still gets what the client goes on to send")
  func halfCloseByServer() async throws {
    let behaviour = Application.Behaviour(onHandshake: { $0.close(mode: .output, promise: nil) })
    try await withServer(ours.serverContext(), behaviour) { port, atServer in
      let (channel, atClient) = try await connect(ours.clientContext(), port: port)
      await atClient.wait { $0.isInputClosed }
      try await channel.writeAndFlush(ByteBuffer(repeating: 1, count: 2_000_000))
      await atServer.wait { $0.bytes.count == 2_000_000 }
      try await channel.close(mode: .output)
      // Both directions are over, so both channels close by themselves.
      let end = await atServer.wait { $0.isInactive }
      #expect(end.isInputClosed && end.errors.isEmpty)
      let ended = await atClient.wait { $0.isInactive }
      #expect(ended.errors.isEmpty)
    }
  }

  @Test("what was written before a close arrives, though the peer reads late")
  func closeFlushes() async throws {
    let behaviour = Application.Behaviour(onHandshake: { context in
      context.write(NIOAny(ByteBuffer(repeating: 3, count: 8_000_000)), promise: nil)
      context.close(promise: nil)
    })
    try await withServer(ours.serverContext(), behaviour) { port, _ in
      let (_, atClient) = try await connect(ours.clientContext(), port: port)
      let end = await atClient.wait { $0.isInputClosed }
      #expect(end.bytes.count == 8_000_000)
      #expect(end.errors.isEmpty)
    }
  }

  @Test("the end of TCP without close_notify is a truncation, never a clean end")
  func truncated() async throws {
    try await withServer(ours.serverContext(), .collect) { port, atServer in
      let (plain, session) = try await connectPlainSession(ours.clientContext(), port: port)
      try session.send("half of")
      try await plain.writeAndFlush(try #require(session.takeOutput()))
      await atServer.wait { $0.text == "half of" }
      try await plain.close()
      let end = await atServer.wait { $0.isInactive }
      #expect(end.tlsErrors == [.truncated])
      #expect(!end.isInputClosed)
    }
  }

  @Test("a connection that says nothing is closed at the handshake deadline")
  func deadline() async throws {
    try await withServer(ours.serverContext(), handshakeDeadline: .milliseconds(50)) { port, atServer in
      let (_, fromServer) = try await connectPlain(port: port)
      let end = await atServer.wait { $0.isInactive }
      #expect(end.tlsErrors == [.handshakeTimeout(after: .milliseconds(50))])
      await fromServer.wait { $0.isInactive }
    }
  }

  @Test("a connection that ends during the handshake is told apart from a truncated one")
  func closedDuringHandshake() async throws {
    try await withServer(ours.serverContext()) { port, atServer in
      let (plain, _) = try await connectPlain(port: port)
      try await plain.close()
      let end = await atServer.wait { $0.isInactive }
      #expect(end.tlsErrors == [.closedDuringHandshake])
    }
  }

  @Test("a connection whose first bytes are not TLS is closed without an answer")
  func notTLS() async throws {
    try await withServer(ours.serverContext()) { port, atServer in
      let (plain, fromServer) = try await connectPlain(port: port)
      try await plain.writeAndFlush(ByteBuffer(string: "headers:\n    route: /upload-file\n"))
      let answer = await fromServer.wait { $0.isInactive }
      #expect(answer.bytes.isEmpty)
      let end = await atServer.wait { $0.isInactive }
      #expect(end.tlsErrors.count == 1 && end.handshake == nil)
    }
  }

  @Test("a client without the certificate that is required learns why, though it sent bytes meanwhile")
  func alertSurvives() async throws {
    try await withServer(ours.serverContext(clients: .required(caFile: ours.clientsCA))) { port, atServer in
      let (channel, atClient) = try await connect(ours.clientContext(), port: port)
      channel.writeAndFlush(ByteBuffer(repeating: 1, count: 100_000), promise: nil)
      let end = await atClient.wait { $0.isInactive }
      #expect(end.tlsErrors.first == .protocolViolation(reason: "tlsv13 alert certificate required"))
      let served = await atServer.wait { $0.isInactive }
      #expect(served.tlsErrors == [.handshake(reason: "peer did not return a certificate")])
      #expect(served.bytes.isEmpty)
    }
  }

  @Test("with autoRead off the handshake completes, and one read brings plaintext, however many portions it takes")
  func autoReadOff() async throws {
    try await withServer(ours.serverContext(), .collect, autoRead: false) { port, atServer in
      let (plain, session) = try await connectPlainSession(ours.clientContext(), port: port)
      let served = await atServer.wait { $0.handshake != nil }
      let channel = try #require(served.channel)
      try session.send("one")
      var record = try #require(session.takeOutput())
      let half = ByteBuffer(record.readableBytesView.prefix(10))
      record.moveReaderIndex(forwardBy: 10)
      try await plain.writeAndFlush(half)
      let completed = atServer.contents.readCompleteCount
      channel.read()
      await atServer.wait { $0.readCompleteCount > completed }
      #expect(atServer.contents.bytes.isEmpty)
      try await plain.writeAndFlush(record)
      await atServer.wait { $0.text == "one" }
      try session.send("two")
      try await plain.writeAndFlush(try #require(session.takeOutput()))
      // Nobody asked for more, so these bytes stay in the socket until somebody does.
      try await channel.eventLoop.submit {}.get()
      #expect(atServer.contents.text == "one")
      channel.read()
      await atServer.wait { $0.text == "onetwo" }
      try await plain.close()
      // The end of the peer's stream may have closed it already.
      try? await channel.close()
    }
  }
}
