import COpenSSL
import NIOCore
import Testing

@testable import TLSTransport

/// A server's own reading of TLS 1.3 records, against libssl as the client.
@Suite struct RecordDecryptorTests {
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
    #expect(pair.server.decryptor != nil)
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
    #expect(pair.server.decryptor == nil)
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

  @Test("key updates in one read are answered with one, and bytes allow for more of them")
  func keyUpdatesInOneRead() throws {
    let pair = try pair()
    for round in 0..<3 {
      pair.deliverToServer(try keyUpdates(IdleAllowance.free, from: pair.client))
      #expect(pair.atServer.failure == nil)
      #expect(pair.server.outputByteCount < 100)
      pair.pump()
      try pair.client.send([UInt8](repeating: UInt8(round), count: IdleAllowance.free * IdleAllowance.bytesForEach))
      pair.pump()
    }
    #expect(pair.atServer.plaintext.count == 3 * IdleAllowance.free * IdleAllowance.bytesForEach)
  }

  @Test("a byte now and then does not pay for a flood of key updates")
  func keyUpdatesForBytes() throws {
    let pair = try pair()
    pair.deliverToServer(try keyUpdates(IdleAllowance.free, from: pair.client))
    for _ in 0..<100 {
      try pair.client.send("x")
      pair.pump()
    }
    #expect(pair.atServer.failure == nil)
    pair.deliverToServer(try keyUpdates(1, from: pair.client))
    #expect(pair.atServer.failure == .flooded)
  }

  @Test("a key update may come in several records", arguments: [[1, 4], [4, 1], [2, 3], [1, 1, 1, 1, 1]])
  func splitKeyUpdate(cuts: [Int]) throws {
    let pair = try pair()
    for round in 0..<2 {
      var forger = try RecordForger(for: pair.server)
      var message: [UInt8] = [24, 0, 0, 1, 1]
      for cut in cuts {
        pair.deliverToServer(try forger.seal(Array(message.prefix(cut)) + [22]))
        message.removeFirst(cut)
      }
      #expect(pair.atServer.failure == nil)
      #expect(pair.server.outputByteCount > 0)
      // Its keys are the next ones from here on.
      forger = try RecordForger(for: pair.server)
      pair.deliverToServer(try forger.seal([UInt8(round), 23]))
      try #require(pair.atServer.plaintext.count == round + 1)
      // The forger of the next round begins with new keys, too.
      pair.deliverToServer(try forger.seal([24, 0, 0, 1, 0, 22]))
    }
    #expect(pair.atServer.plaintext == [0, 1])
  }

  @Test("more key updates than anybody needs end the connection")
  func keyUpdateFlood() throws {
    let pair = try pair()
    pair.deliverToServer(try keyUpdates(IdleAllowance.free + 1, from: pair.client))
    #expect(pair.atServer.failure == .flooded)
    pair.pump()
    let reason = "\(String(describing: pair.atClient.failure))"
    #expect(reason.contains("unexpected message"), "\(reason)")
  }

  @Test("more records without a byte than anybody needs end the connection, in however many reads they come")
  func emptyRecords() throws {
    let pair = try pair()
    var forger = try RecordForger(for: pair.server)
    for _ in 0..<(IdleAllowance.free / 2) { pair.deliverToServer(try forger.seal([23])) }
    pair.deliverToServer(try forger.seal([1, 23]))
    for _ in 0..<(IdleAllowance.free / 2 - 1) { pair.deliverToServer(try forger.seal([23, 0, 0])) }
    #expect(pair.atServer.failure == nil)
    #expect(pair.atServer.plaintext == [1])
    pair.deliverToServer(try forger.seal([1, 90, 21]))
    #expect(pair.atServer.failure == nil)
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
    "what has no place after a handshake ends the connection, with the alert that says so",
    arguments: [
      // Padding alone; a type that nobody knows; an alert that is cut; a ClientHello; the first byte of one; nothing of
      // a message; a key update with another behind it, or with a byte of the next.
      ([[0, 0]], "unexpected message"), ([[1, 99]], "unexpected message"), ([[0, 21]], "unexpected message"),
      ([[1, 0, 0, 0, 22]], "unexpected message"), ([[1, 22], [0, 0, 0, 22]], "unexpected message"),
      ([[22]], "unexpected message"),
      ([[24, 0, 0, 1, 0, 24, 0, 0, 1, 0, 22]], "unexpected message"),
      ([[24, 0, 0, 1, 1, 0, 22]], "unexpected message"),
      ([[24, 0, 0, 1, 2, 0, 22]], "unexpected message"),
      // Something else in the middle of a message: content, an alert, nothing.
      ([[24, 0, 22], [6, 23]], "unexpected message"), ([[24, 0, 0, 1, 22], [23]], "unexpected message"),
      ([[24, 22], [1, 0, 21]], "unexpected message"), ([[24, 22], [22]], "unexpected message"),
      // A request that does not exist, in one record and in two.
      ([[24, 0, 0, 1, 2, 22]], "illegal parameter"), ([[24, 0, 0, 1, 255, 22]], "illegal parameter"),
      ([[24, 0, 0, 22], [1, 2, 22]], "illegal parameter"),
      // A length that is not its own.
      ([[24, 0, 0, 0, 22]], "decode error"), ([[24, 0, 0, 2, 0, 0, 22]], "decode error"),
      ([[24, 1, 0, 1, 0, 22]], "decode error"), ([[24, 0, 22], [0, 3, 22]], "decode error"),
    ] as [([[UInt8]], String)])
  func outOfPlace(records: [[UInt8]], alert: String) throws {
    for isLater in [false, true] { try outOfPlace(records, alert, isLater: isLater) }
  }

  /// - Parameter isLater: after the keys have changed once.
  private func outOfPlace(_ records: [[UInt8]], _ alert: String, isLater: Bool) throws {
    let pair = try pair()
    var forger = try RecordForger(for: pair.server)
    if isLater {
      pair.deliverToServer(try forger.seal([24, 0, 0, 1, 0, 22]))
      forger = try RecordForger(for: pair.server)
    }
    pair.deliverToServer(try forger.seal([5, 23]))
    for inner in records { pair.deliverToServer(try forger.seal(inner)) }
    guard case .protocolViolation = pair.atServer.failure else {
      Issue.record("\(String(describing: pair.atServer.failure))")
      return
    }
    #expect(pair.atServer.plaintext == [5])
    pair.pump()
    let reason = "\(String(describing: pair.atClient.failure))"
    #expect(reason.contains(alert), "\(reason)")
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
    // Nor does memory keep what was not authenticated.
    let isLeft = plaintext.withUnsafeMutableWritableBytes { $0.prefix(1000).contains(7) }
    #expect(!isLeft)
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

  @Test("a fragment length that was negotiated is kept", arguments: [(1, 512), (2, 1024), (3, 2048), (4, 4096)])
  func fragmentLength(code: UInt8, limit: Int) throws {
    let client = try ours.clientContext()
    try #require(SSL_CTX_set_tlsext_max_fragment_length(client.handle, code) == 1)
    let pair = try SessionPair(client: client, server: ours.serverContext())
    try pair.handshake()
    // libssl as a client keeps it by itself.
    try pair.client.send([UInt8](repeating: 3, count: 20_000))
    pair.pump()
    #expect(pair.atServer.plaintext.count == 20_000)
    let other = try SessionPair(client: client, server: ours.serverContext())
    try other.handshake()
    var forger = try RecordForger(for: other.server)
    let whole = [UInt8](repeating: 7, count: limit)
    other.deliverToServer(try forger.seal(whole + [23] + [UInt8](repeating: 0, count: 100)))
    #expect(other.atServer.failure == nil && other.atServer.plaintext.count == limit)
    other.deliverToServer(try forger.seal(whole + [7, 23]))
    #expect(other.atServer.failure != nil && other.atServer.plaintext.count == limit)
    other.pump()
    let reason = "\(String(describing: other.atClient.failure))"
    #expect(reason.contains("record overflow"), "\(reason)")
  }

  @Test("this side's keys are updated after so many records", arguments: [false, true])
  func ownKeyUpdates(ofServer: Bool) throws {
    let pair = try pair()
    let sender = ofServer ? pair.server : pair.client
    sender.keyUpdateInterval = 10
    let secret = pair.server.decryptor?.secret
    let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    for part in stride(from: 0, to: body.count, by: 100_000) {
      try sender.send(Array(body[part..<(part + 100_000)]))
      pair.pump()
    }
    #expect((ofServer ? pair.atClient : pair.atServer).plaintext == body)
    if !ofServer { #expect(pair.server.decryptor?.secret !== secret) }
    #expect(pair.atClient.failure == nil && pair.atServer.failure == nil)
  }

  @Test("with TLS 1.2 keys stay, however much is sent")
  func olderKeys() throws {
    let client = try ours.clientContext()
    try #require(shim_SSL_CTX_set_max_proto_version(client.handle, TLS1_2_VERSION) == 1)
    let pair = try SessionPair(client: client, server: ours.serverContext())
    try pair.handshake()
    pair.client.keyUpdateInterval = 1
    for _ in 0..<5 { try pair.client.send("bytes ") }
    pair.pump()
    #expect(pair.atServer.text == "bytes bytes bytes bytes bytes ")
  }

  @Test("where the configuration says so, libssl reads, and a connection tells which it is")
  func byLibrary() throws {
    let server = try TLSContext(
      server: .init(certificateChainFile: ours.server, privateKeyFile: ours.serverKey, records: .library))
    let pair = try SessionPair(client: ours.clientContext(), server: server)
    try pair.handshake()
    #expect(pair.server.decryptor == nil && pair.server.recordPath == .library)
    #expect(pair.server.handshakeSummary().recordPath == .library)
    try pair.client.send([UInt8](repeating: 3, count: 300_000))
    pair.pump()
    #expect(pair.atServer.plaintext.count == 300_000)
    #expect(pair.server.recordPath == .library)
    pair.deliverToServer(try keyUpdates(IdleAllowance.free, from: pair.client))
    #expect(pair.atServer.failure == nil)
    pair.deliverToServer(try keyUpdates(1, from: pair.client))
    #expect(pair.atServer.failure == .flooded)
    pair.pump()
    #expect(pair.atClient.failure != nil)
  }

  @Test("a record of no version of TLS is told as such")
  func otherVersion() throws {
    let pair = try pair()
    var plaintext = ByteBuffer()
    let header = [UInt8]([23, 108, 3, 0, 20])
    #expect(header.withUnsafeBytes { pair.server.receive($0, into: &plaintext) }.failure != nil)
    pair.pump()
    let reason = "\(String(describing: pair.atClient.failure))"
    #expect(reason.contains("protocol version"), "\(reason)")
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
