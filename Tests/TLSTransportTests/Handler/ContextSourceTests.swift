import NIOCore
import Synchronization
import TLSTransport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ContextSourceTests {
  let ours = Certificates.ours

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
