import NIOCore
import NIOEmbedded
import TLSTransport
import Testing

/// When a server sends the ticket that resumes a session.
@Suite struct TicketTests {
  let ours = Certificates.ours
  let channel = EmbeddedChannel()
  let client: TLSSession
  let record = Record()

  init() throws {
    client = try TLSSession(context: ours.clientContext(profile: .modern), serverName: "localhost")
    try channel.pipeline.syncOperations.addHandlers([
      TLSHandler(context: ours.serverContext(profile: .modern)), Application(record, .collect),
    ])
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    // The client's Finished is in its output, and nothing of it at the server.
    try client.startHandshake()
    try channel.writeInbound(#require(client.takeOutput()))
    #expect(try fromServer() == "")
    #expect(client.isHandshakeComplete)
  }

  /// What the server has sent, decrypted; nil where it sent nothing.
  private func fromServer() throws -> String? {
    var plaintext = ByteBuffer()
    var hasSent = false
    while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
      hasSent = hasSent || bytes.readableBytes > 0
      #expect(bytes.withUnsafeReadableBytes { client.receive($0, into: &plaintext) }.failure == nil)
    }
    return hasSent ? String(buffer: plaintext) : nil
  }

  @Test("it goes at once to a client that says nothing yet")
  func atOnce() throws {
    try channel.writeInbound(#require(client.takeOutput()))
    #expect(try fromServer() == "")
    #expect(client.resumption != nil)
    _ = try? channel.finish()
  }

  @Test("to a client that has spoken it goes along with the answer")
  func withAnswer() throws {
    try client.send("a question")
    try channel.writeInbound(#require(client.takeOutput()))
    #expect(record.contents.text == "a question")
    #expect(try fromServer() == nil)
    #expect(client.resumption == nil)
    try channel.writeOutbound(ByteBuffer(string: "an answer"))
    #expect(try fromServer() == "an answer")
    #expect(client.resumption != nil)
    _ = try? channel.finish()
  }

  @Test("a client that has spoken and is not answered gets it with the next read")
  func withRead() throws {
    try client.send("half a ")
    try channel.writeInbound(#require(client.takeOutput()))
    try client.send("question")
    try channel.writeInbound(#require(client.takeOutput()))
    #expect(try fromServer() == "")
    #expect(client.resumption != nil)
    _ = try? channel.finish()
  }
}
