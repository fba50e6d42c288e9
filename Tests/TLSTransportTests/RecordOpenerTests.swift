import COpenSSL
import NIOCore
import Testing

@testable import TLSTransport

/// A server's own reading of TLS 1.3 records, against libssl as the client.
@Suite struct RecordOpenerTests {
  let ours = Certificates.ours

  private func pair(suite: String = "TLS_AES_128_GCM_SHA256") throws -> SessionPair {
    let client = try ours.clientContext()
    try #require(SSL_CTX_set_ciphersuites(client.handle, suite) == 1)
    let pair = try SessionPair(client: client, server: ours.serverContext())
    try pair.handshake()
    try #require(pair.server.isHandshakeComplete)
    return pair
  }

  @Test(
    "records of each cipher suite are opened, however they are cut",
    arguments: ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
    [5, 1000, 16_406, 70_000])
  func suites(suite: String, chunk: Int) throws {
    let pair = try pair(suite: suite)
    #expect(pair.server.opener != nil)
    #expect(pair.server.handshakeSummary().cipher == suite)
    let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    for part in [body[..<1], body[1..<150_000], body[150_000...]] {
      try pair.client.send(Array(part))
      pair.pump { chunk }
    }
    #expect(pair.atServer.plaintext == body)
  }

  @Test("TLS 1.2 is left to the library")
  func olderVersion() throws {
    let client = try ours.clientContext()
    try #require(shim_SSL_CTX_set_max_proto_version(client.handle, TLS1_2_VERSION) == 1)
    let pair = try SessionPair(client: client, server: ours.serverContext())
    try pair.handshake()
    #expect(pair.server.opener == nil)
    try pair.client.send("bytes")
    pair.pump()
    #expect(pair.atServer.text == "bytes")
  }

  @Test("padding is taken off, also of records that are padding alone but for their type")
  func padding() throws {
    let client = try ours.clientContext()
    try #require(SSL_CTX_set_block_padding(client.handle, 512) == 1)
    let pair = try SessionPair(client: client, server: ours.serverContext())
    try pair.handshake()
    for text in ["a", "", "bc"] { try pair.client.send(text) }
    pair.pump()
    #expect(pair.atServer.text == "abc")
    // A zero byte at the end is content, and no padding.
    try pair.client.send([1, 0, 0])
    pair.pump()
    #expect(pair.atServer.plaintext.suffix(3) == [1, 0, 0])
    pair.client.sendCloseNotify()
    pair.pump()
    #expect(pair.server.hasReceivedCloseNotify)
  }

  @Test(
    "a client updates its keys again and again, and each time that it asks the server updates its own",
    arguments: ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"], [false, true])
  func keyUpdates(suite: String, isBulk: Bool) throws {
    let pair = try pair(suite: suite)
    if isBulk {
      try pair.client.send([UInt8](repeating: 0x20, count: 300_000))
      pair.pump()
    }
    for round in 0..<20 {
      let kind = round.isMultiple(of: 2) ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED
      try #require(SSL_key_update(pair.client.handle, kind) == 1)
      try pair.client.send("\(round) ")
      pair.pump()
      try pair.server.send("\(round) ")
      pair.pump()
    }
    let expected = (0..<20).map { "\($0) " }.joined()
    #expect(pair.atServer.text.drop { $0 == " " } == expected)
    #expect(pair.atClient.text == expected)
    #expect(pair.atClient.failure == nil && pair.atServer.failure == nil)
  }

  private func keyUpdates(_ count: Int, from client: TLSSession) throws -> ByteBuffer {
    for _ in 0..<count {
      try #require(SSL_key_update(client.handle, SSL_KEY_UPDATE_REQUESTED) == 1)
      try #require(SSL_do_handshake(client.handle) == 1)
    }
    return try #require(client.takeOutput())
  }

  @Test("key updates in one read are answered with one, and each byte allows as many again")
  func keyUpdatesInOneRead() throws {
    let pair = try pair()
    for round in 0..<3 {
      pair.deliverToServer(try keyUpdates(RecordOpener.idleLimit, from: pair.client))
      #expect(pair.atServer.failure == nil)
      #expect(pair.server.outputByteCount < 100)
      pair.pump()
      try pair.client.send("\(round)")
      pair.pump()
    }
    #expect(pair.atServer.text == "012")
  }

  @Test("more key updates than anybody needs end the connection")
  func keyUpdateFlood() throws {
    let pair = try pair()
    pair.deliverToServer(try keyUpdates(RecordOpener.idleLimit + 1, from: pair.client))
    #expect(pair.atServer.failure == .flooded)
    pair.pump()
    let reason = "\(String(describing: pair.atClient.failure))"
    #expect(reason.contains("unexpected message"), "\(reason)")
  }

  @Test("more records without a byte than anybody needs end the connection, in however many reads they come")
  func emptyRecords() throws {
    let pair = try pair()
    var forger = try RecordForger(for: pair.server)
    for _ in 0..<RecordOpener.idleLimit { pair.deliverToServer(try forger.seal([23])) }
    pair.deliverToServer(try forger.seal([1, 23]))
    for _ in 0..<RecordOpener.idleLimit { pair.deliverToServer(try forger.seal([23, 0, 0])) }
    #expect(pair.atServer.failure == nil)
    #expect(pair.atServer.plaintext == [1])
    // A warning is no better.
    pair.deliverToServer(try forger.seal([1, 90, 21]))
    #expect(pair.atServer.failure == .flooded)
  }

  @Test("a record of a size that is allowed is too long where its padding makes it so", arguments: [0, 100, 16_384])
  func paddingOverflow(content: Int) throws {
    let pair = try pair()
    var forger = try RecordForger(for: pair.server)
    let body = [UInt8](repeating: 7, count: content) + [23]
    let longest = body + [UInt8](repeating: 0, count: 16_385 - body.count)
    pair.deliverToServer(try forger.seal(longest))
    #expect(pair.atServer.failure == nil)
    #expect(pair.atServer.plaintext.count == content)
    pair.deliverToServer(try forger.seal(longest + [0]))
    #expect(pair.atServer.failure != nil)
    #expect(pair.atServer.plaintext.count == content)
    pair.pump()
    let reason = "\(String(describing: pair.atClient.failure))"
    #expect(reason.contains("record overflow"), "\(reason)")
  }

  @Test(
    "what has no place after a handshake ends the connection",
    arguments: [
      // Padding alone; a type that nobody knows; an alert that is cut; a ClientHello; a key update that asks for something
      // unknown, one with another behind it, and half of one.
      [0, 0], [1, 99], [0, 21], [1, 0, 0, 0, 22], [24, 0, 0, 1, 2, 22], [24, 0, 0, 1, 0, 24, 0, 0, 1, 0, 22],
      [24, 0, 22],
    ] as [[UInt8]])
  func outOfPlace(inner: [UInt8]) throws {
    let pair = try pair()
    var forger = try RecordForger(for: pair.server)
    pair.deliverToServer(try forger.seal([5, 23]))
    pair.deliverToServer(try forger.seal(inner))
    guard case .protocolViolation = pair.atServer.failure else {
      Issue.record("\(String(describing: pair.atServer.failure))")
      return
    }
    #expect(pair.atServer.plaintext == [5])
    pair.pump()
    let reason = "\(String(describing: pair.atClient.failure))"
    #expect(reason.contains("unexpected message"), "\(reason)")
  }

  @Test(
    "a byte that was changed on the way ends the connection, with the alert that says so", arguments: [0, 5, 500],
    [4, 300_000])
  func tampered(place: Int, after good: Int) throws {
    let pair = try pair()
    try pair.client.send([UInt8](repeating: 1, count: good))
    pair.pump()
    try pair.client.send([UInt8](repeating: 7, count: 1000))
    var output = try #require(pair.client.takeOutput())
    let changed = try #require(output.getInteger(at: output.readerIndex + place, as: UInt8.self)) ^ 0x40
    output.setInteger(changed, at: output.readerIndex + place)
    var plaintext = ByteBuffer()
    let received = output.withUnsafeReadableBytes { pair.server.receive($0, into: &plaintext) }
    guard case .protocolViolation = received.failure else {
      Issue.record("\(String(describing: received.failure))")
      return
    }
    #expect(plaintext.readableBytes == 0)
    pair.pump()
    let reason = "\(String(describing: pair.atClient.failure))"
    #expect(reason.contains(place == 0 ? "unexpected message" : "bad record mac"), "\(reason)")
  }

  @Test("a record that is longer than any may be is refused before it has come")
  func overflow() throws {
    let pair = try pair()
    var plaintext = ByteBuffer()
    let received = [UInt8]([23, 3, 3, 0x41, 0x01]).withUnsafeBytes { pair.server.receive($0, into: &plaintext) }
    guard case .protocolViolation = received.failure else {
      Issue.record("\(String(describing: received.failure))")
      return
    }
    pair.pump()
    let reason = "\(String(describing: pair.atClient.failure))"
    #expect(reason.contains("record overflow"), "\(reason)")
  }

  @Test("a record is not taken for good where the one before it was left out")
  func leftOut() throws {
    let pair = try pair()
    try pair.client.send("first")
    _ = try #require(pair.client.takeOutput())
    try pair.client.send("other")
    let other = try #require(pair.client.takeOutput())
    var plaintext = ByteBuffer()
    #expect(other.withUnsafeReadableBytes { pair.server.receive($0, into: &plaintext) }.failure != nil)
    #expect(plaintext.readableBytes == 0)
  }

  @Test("the peer's own alert is told in words")
  func peerAlert() throws {
    let pair = try pair()
    // A record that libssl refuses makes it send an alert.
    try pair.server.send("x")
    var output = try #require(pair.server.takeOutput())
    output.setInteger(UInt8(0xff), at: output.writerIndex - 1)
    var plaintext = ByteBuffer()
    _ = output.withUnsafeReadableBytes { pair.client.receive($0, into: &plaintext) }
    pair.pump()
    let reason = "\(String(describing: pair.atServer.failure))"
    #expect(reason.contains("bad record mac"), "\(reason)")
  }

  @Test("only whole lines of the key log with the client's secret are taken")
  func keyLogLines() throws {
    let line = "CLIENT_TRAFFIC_SECRET_0 00ff 0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"
    #expect(TrafficSecret(keyLogLine: line) != nil)
    #expect(TrafficSecret(keyLogLine: "SERVER_TRAFFIC_SECRET_0 00ff 0123") == nil)
    #expect(TrafficSecret(keyLogLine: "CLIENT_TRAFFIC_SECRET_0 00ff 0123456789abcdefg1") == nil)
    #expect(TrafficSecret(keyLogLine: "CLIENT_TRAFFIC_SECRET_0") == nil)
  }
}
