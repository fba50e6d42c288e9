import NIOCore
import TLSTransport
import Testing

@Suite struct SessionTests {
  let ours = Certificates.ours

  @Test(
    "both versions complete and carry bytes both ways, whole or byte by byte",
    arguments: [TLSProfile.modern, .intermediate], [1, 7, Int.max])
  func carries(profile: TLSProfile, chunk: Int) throws {
    let pair = try SessionPair(
      client: ours.clientContext(profile: profile), server: ours.serverContext(profile: profile))
    try pair.handshake { chunk }
    #expect(pair.client.isHandshakeComplete && pair.server.isHandshakeComplete)
    try pair.client.send("headers:")
    try pair.server.send("offer")
    pair.pump { chunk }
    #expect(pair.atServer.text == "headers:")
    #expect(pair.atClient.text == "offer")
    let summary = pair.server.handshakeSummary()
    #expect(summary.protocolVersion == "TLSv1.3")
    #expect(summary.cipher == "TLS_AES_128_GCM_SHA256")
    #expect(summary.serverName == "localhost")
    #expect(summary.peerCertificate == nil)
    #expect(pair.client.handshakeSummary().peerCertificate?.dnsNames == ["localhost", "upload.test"])
  }

  @Test("a large transfer in random portions arrives in order")
  func largeTransfer() throws {
    let pair = try SessionPair(client: ours.clientContext(), server: ours.serverContext())
    try pair.handshake()
    var generator = SystemRandomNumberGenerator()
    let body = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    var sent = 0
    while sent < body.count {
      let end = min(body.count, sent + Int.random(in: 1...300_000, using: &generator))
      try pair.client.send(Array(body[sent..<end]))
      sent = end
      pair.pump { Int.random(in: 1...70_000, using: &generator) }
    }
    #expect(pair.atServer.plaintext == body)
    #expect(pair.atServer.failure == nil)
  }

  @Test("close_notify ends one direction and leaves the other open, from either side", arguments: [true, false])
  func halfClose(clientFirst: Bool) throws {
    let pair = try SessionPair(client: ours.clientContext(), server: ours.serverContext())
    try pair.handshake()
    let (first, second) = clientFirst ? (pair.client, pair.server) : (pair.server, pair.client)
    try first.send("last")
    first.sendCloseNotify()
    pair.pump()
    #expect(second.hasReceivedCloseNotify && !first.hasReceivedCloseNotify)
    try second.send("answer")
    second.sendCloseNotify()
    pair.pump()
    #expect(first.hasReceivedCloseNotify)
    #expect((clientFirst ? pair.atClient : pair.atServer).text == "answer")
    #expect((clientFirst ? pair.atServer : pair.atClient).text == "last")
    #expect(pair.atClient.failure == nil && pair.atServer.failure == nil)
  }

  @Test("bytes that are not TLS fail the handshake")
  func garbageFirst() throws {
    let session = try TLSSession(context: ours.serverContext())
    try session.startHandshake()
    var plaintext = ByteBuffer()
    let received = Array("headers:\n    route: /upload\n".utf8).withUnsafeBytes {
      session.receive($0, into: &plaintext)
    }
    guard case .handshake = received.failure else {
      Issue.record("\(String(describing: received.failure))")
      return
    }
    #expect(plaintext.readableBytes == 0)
    #expect(session.failure == received.failure)
  }

  @Test("a changed byte after the handshake fails the session, and what came before it is kept")
  func garbageLater() throws {
    let pair = try SessionPair(client: ours.clientContext(), server: ours.serverContext())
    try pair.handshake()
    try pair.client.send("good")
    var bytes = try #require(pair.client.takeOutput())
    try pair.client.send("spoilt")
    var spoilt = try #require(pair.client.takeOutput())
    let last = spoilt.writerIndex - 1
    spoilt.setInteger(try #require(spoilt.getInteger(at: last, as: UInt8.self)) ^ 1, at: last)
    bytes.writeBuffer(&spoilt)
    pair.deliverToServer(bytes)
    #expect(pair.atServer.text == "good")
    guard case .protocolViolation = pair.atServer.failure else {
      Issue.record("\(String(describing: pair.atServer.failure))")
      return
    }
    pair.pump()
    #expect(pair.atClient.failure == .protocolViolation(reason: "sslv3 alert bad record mac"))
  }

  @Test("a server of TLS 1.3 only refuses a client of TLS 1.2, and says so")
  func oldClient() throws {
    // A TLS 1.2 ClientHello without extensions: version, random, no session, one cipher, no compression.
    let hello: [UInt8] =
      [22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0xc0, 0x2b, 1, 0]
    let session = try TLSSession(context: ours.serverContext(profile: .modern))
    try session.startHandshake()
    var plaintext = ByteBuffer()
    let received = hello.withUnsafeBytes { session.receive($0, into: &plaintext) }
    #expect(received.failure == .handshake(reason: "unsupported protocol"))
    let alert = try #require(session.takeOutput())
    #expect(Array(alert.readableBytesView.suffix(2)) == [2, 70])
  }
}
