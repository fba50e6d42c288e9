import TLSTransport
import Testing

@Suite struct ResumptionTests {
  let ours = Certificates.ours

  @Test(
    "a client goes on with a session by its ticket, but not at a server that did not give it",
    arguments: [TLSProfile.modern, .intermediate])
  func ticket(profile: TLSProfile) throws {
    let client = try ours.clientContext(profile: profile)
    let server = try ours.serverContext(profile: profile)
    // The connection that the ticket came over is gone without `close_notify`, which must not spoil it.
    let ticket = try #require(try ticket(client, server))

    let second = try SessionPair(client: client, server: server)
    second.client.offer(ticket)
    try second.handshake()
    #expect(second.client.handshakeSummary().isResumed)
    #expect(second.server.handshakeSummary().isResumed)

    let stranger = try SessionPair(client: client, server: ours.serverContext(profile: profile))
    stranger.client.offer(ticket)
    try stranger.handshake()
    #expect(stranger.client.isHandshakeComplete && !stranger.client.handshakeSummary().isResumed)
  }

  /// Of a connection that ends when this returns.
  private func ticket(_ client: TLSContext, _ server: TLSContext) throws -> TLSResumption? {
    let pair = try SessionPair(client: client, server: server)
    #expect(pair.client.resumption == nil)
    try pair.handshake()
    #expect(!pair.client.handshakeSummary().isResumed)
    return pair.client.resumption
  }
}
