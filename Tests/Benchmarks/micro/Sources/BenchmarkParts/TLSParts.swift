internal import NIOCore
@testable internal import TLSTransport

/// The server's side of TLS, without a network.
struct TLSParts {
  private let server: TLSContext
  private let client: TLSContext
  private let watch: Stopwatch

  init(certificates: String, watch: Stopwatch) throws {
    self.watch = watch
    server = try TLSContext(
      server: TLSServerConfiguration(
        certificateChainFile: certificates + "/server.pem", privateKeyFile: certificates + "/server.key",
        profile: .modern))
    client = try TLSContext(
      client: TLSClientConfiguration(trust: .caFile(certificates + "/ca.pem"), profile: .modern))
  }

  func measure() throws {
    try watch.measure("TLS: a full handshake, the server's half") { try connect().took }
    let pair = try connect()
    guard let ticket = pair.client.resumption else { preconditionFailure("the server gave no ticket") }
    try watch.measure("TLS: a resumed handshake, the server's half") {
      let resumed = try connect(resuming: ticket)
      precondition(resumed.isResumed, "the server did not take the ticket")
      return resumed.took
    }
    var noise = SystemRandomNumberGenerator()
    let portion = (0..<1 << 17).flatMap { _ in withUnsafeBytes(of: noise.next() as UInt64, Array.init) }
    var plaintext = ByteBuffer()
    try watch.measure("TLS: decrypting 1 MiB", bytes: portion.count) {
      let taken = try portion.withUnsafeBytes { try pair.client.encrypt($0) }
      let ciphertext = pair.client.takeOutput() ?? ByteBuffer()
      precondition(taken == portion.count, "the client did not take everything")
      plaintext.clear()
      return watch.time {
        _ = ciphertext.withUnsafeReadableBytes { pair.server.receive($0, into: &plaintext) }
        precondition(plaintext.readableBytes == portion.count, "not everything came")
      }
    }
    let answer = Array(repeating: UInt8(ascii: "a"), count: 120)
    let repeats = 100
    try watch.measure("TLS: encrypting an answer of 120 bytes", repeats: repeats) {
      let took = try watch.time {
        for _ in 0..<repeats { _ = try answer.withUnsafeBytes { try pair.server.encrypt($0) } }
      }
      _ = pair.server.takeOutput()
      return took
    }
  }

  /// A connection, and how long the server's calls took.
  private func connect(
    resuming ticket: TLSResumption? = nil
  ) throws -> (client: TLSSession, server: TLSSession, isResumed: Bool, took: Duration) {
    let client = try TLSSession(context: self.client, serverName: "localhost")
    if let ticket { client.offer(ticket) }
    try client.startHandshake()
    var session: TLSSession?
    var took = try watch.time { session = try TLSSession(context: server) }
    guard let server = session else { preconditionFailure("there is no session") }
    var plaintext = ByteBuffer()
    while !(client.isHandshakeComplete && server.isHandshakeComplete) {
      if let flight = client.takeOutput() {
        took += watch.time { _ = flight.withUnsafeReadableBytes { server.receive($0, into: &plaintext) } }
      }
      if let flight = server.takeOutput() {
        _ = flight.withUnsafeReadableBytes { client.receive($0, into: &plaintext) }
      }
      precondition(client.failure == nil && server.failure == nil, "the handshake failed")
    }
    return (client, server, client.handshakeSummary().isResumed, took)
  }
}
