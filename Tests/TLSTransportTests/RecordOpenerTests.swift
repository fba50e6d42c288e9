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

  @Test("a thousand key updates in one read are answered with one")
  func keyUpdateFlood() throws {
    let pair = try pair()
    for _ in 0..<1000 {
      try #require(SSL_key_update(pair.client.handle, SSL_KEY_UPDATE_REQUESTED) == 1)
      try #require(SSL_do_handshake(pair.client.handle) == 1)
    }
    let flood = try #require(pair.client.takeOutput())
    var plaintext = ByteBuffer()
    let received = flood.withUnsafeReadableBytes { pair.server.receive($0, into: &plaintext) }
    #expect(received.failure == nil)
    #expect(pair.server.outputByteCount < 100)
    pair.pump()
    try pair.client.send("on")
    pair.pump()
    #expect(pair.atServer.text == "on")
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

  @Test("records swapped on the way are not taken for good")
  func swapped() throws {
    let pair = try pair()
    try pair.client.send("first")
    let first = try #require(pair.client.takeOutput())
    try pair.client.send("other")
    let other = try #require(pair.client.takeOutput())
    var plaintext = ByteBuffer()
    #expect(other.withUnsafeReadableBytes { pair.server.receive($0, into: &plaintext) }.failure != nil)
    _ = first
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
