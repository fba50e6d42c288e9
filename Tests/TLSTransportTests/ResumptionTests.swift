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
    let first = try SessionPair(client: client, server: server)
    #expect(first.client.resumption == nil)
    try first.handshake()
    #expect(!first.client.handshakeSummary().isResumed)
    let ticket = try #require(first.client.resumption)

    let second = try SessionPair(client: client, server: server)
    second.client.offer(ticket)
    try second.handshake()
    #expect(second.client.handshakeSummary().isResumed)
    #expect(second.server.handshakeSummary().isResumed)

    // Connections that break take the ticket from nobody.
    for _ in 0..<3 {
      let broken = try SessionPair(client: client, server: server)
      broken.client.offer(ticket)
      try broken.handshake()
      #expect(broken.client.handshakeSummary().isResumed)
    }

    let stranger = try SessionPair(client: client, server: ours.serverContext(profile: profile))
    stranger.client.offer(ticket)
    try stranger.handshake()
    #expect(stranger.client.isHandshakeComplete && !stranger.client.handshakeSummary().isResumed)
  }
}
