import NIOCore
import Synchronization
import TLSTransport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ContextSourceTests {
  let ours = Certificates.ours
  let renewed = Certificates.strangers

  @Test("after a reload the next connection sees the new certificate, and an open one goes on with the old")
  func reload() async throws {
    let published = try PublishedTLSContext(ours.serverContext())
    try await withServer(published) { port, _ in
      let (open, atOpen) = try await connect(ours.clientContext(), port: port)
      try await open.writeAndFlush(ByteBuffer(string: "before "))
      await atOpen.wait { $0.text == "before " }

      try published.publish(renewed.serverContext())

      let (next, atNext) = try await connect(renewed.clientContext(), port: port)
      await atNext.wait { $0.handshake != nil }
      #expect(atNext.contents.handshake?.peerCertificate != atOpen.contents.handshake?.peerCertificate)
      let (_, atRefusing) = try await connect(ours.clientContext(), port: port)
      let refused = await atRefusing.wait { !$0.errors.isEmpty }
      #expect(refused.handshake == nil)

      try await open.writeAndFlush(ByteBuffer(string: "after"))
      await atOpen.wait { $0.text == "before after" }
      #expect(atOpen.contents.errors.isEmpty)
      try await open.close()
      try await next.close()
    }
  }

  @Test("an observer hears of a handshake that completed")
  func completed() async throws {
    let observer = HandshakeLog()
    try await withServer(ours.serverContext(profile: .modern), observer: observer) { port, atServer in
      let (channel, atClient) = try await connect(ours.clientContext(profile: .modern), port: port)
      try await channel.writeAndFlush(ByteBuffer(string: "x"))
      await atClient.wait { $0.text == "x" }
      try await channel.close()
      await atServer.wait { $0.isInactive }
    }
    let reports = observer.completed
    #expect(reports.map(\.protocolVersion) == ["TLSv1.3"] && reports.map(\.isResumed) == [false])
    #expect(reports.allSatisfy { $0.duration > .zero })
    #expect(observer.failed.isEmpty)
  }

  @Test("an observer hears once why a handshake failed")
  func failed() async throws {
    let observer = HandshakeLog()
    try await withServer(
      ours.serverContext(), handshakeDeadline: .milliseconds(50), observer: observer
    ) { port, atServer in
      _ = try await connectPlain(port: port)
      await atServer.wait { $0.isInactive }
    }
    #expect(observer.failed == [.handshakeTimeout(after: .milliseconds(50))])
    #expect(observer.completed.isEmpty)
  }

  @Test("a client that goes away during its handshake is one that failed")
  func goneAway() async throws {
    let observer = HandshakeLog()
    try await withServer(ours.serverContext(), observer: observer) { port, atServer in
      let (plain, _) = try await connectPlain(port: port)
      try await plain.close()
      await atServer.wait { $0.isInactive }
    }
    #expect(observer.failed == [.closedDuringHandshake])
    #expect(observer.completed.isEmpty)
  }
}

/// What an observer heard.
private final class HandshakeLog: TLSObserver {
  private let heard = Mutex<(completed: [TLSHandshakeReport], failed: [TLSError])>(([], []))

  var completed: [TLSHandshakeReport] { heard.withLock { $0.completed } }
  var failed: [TLSError] { heard.withLock { $0.failed } }

  func handshakeCompleted(_ handshake: TLSHandshakeReport) {
    heard.withLock { $0.completed.append(handshake) }
  }

  func handshakeFailed(_ error: TLSError, after duration: TimeAmount) {
    heard.withLock { $0.failed.append(error) }
  }
}
