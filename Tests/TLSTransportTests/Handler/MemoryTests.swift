import Foundation
import TLSTransport
import Testing

/// Each test runs in a process of its own, where nobody else allocates.
@Suite struct MemoryTests {
  @Test("a thousand sessions leave no memory behind, finished or given up")
  func sessions() async {
    await #expect(processExitsWith: .success) {
      let ours = Certificates.ours
      let client = try ours.clientContext(identity: ours.clientIdentity)
      let server = try ours.serverContext(clients: .required(caFile: ours.clientsCA))
      // A session with its buffers has more than 50 KiB.
      try expectNoGrowth(above: 4 << 20, rounds: 1000) { index in
        let pair = try SessionPair(client: client, server: server)
        if index.isMultiple(of: 2) { try pair.client.startHandshake() } else { try pair.handshake() }
      }
    }
  }

  @Test("hundreds of contexts leave no memory behind, made or refused")
  func contexts() async {
    await #expect(processExitsWith: .success) {
      let ours = Certificates.ours
      let strangers = Certificates.strangers
      // A context with its certificates has some 20 KiB, and a round tries three.
      try expectNoGrowth(above: 2 << 20, rounds: 200) { _ in
        _ = try ours.serverContext(clients: .required(caFile: ours.clientsCA))
        // Refused at the key, and only after the server's identity was taken.
        let files = TLSServerConfiguration(certificateChainFile: ours.server, privateKeyFile: strangers.serverKey)
        precondition((try? TLSContext(server: files)) == nil)
        precondition((try? ours.serverContext(clients: .required(caFile: ours.serverKey))) == nil)
      }
    }
  }
}

/// Runs some rounds after two hundred to warm up; traps if the process has grown by more than `limit` bytes.
private func expectNoGrowth(above limit: Int, rounds: Int, _ round: (Int) throws -> Void) throws {
  for index in 0..<200 { try round(index) }
  let before = try residentBytes()
  for index in 0..<rounds { try round(index) }
  let growth = try residentBytes() - before
  precondition(growth < limit, "grew by \(growth) bytes")
}

/// How much memory this process has in use, in bytes.
private func residentBytes() throws -> Int {
  let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
  return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4096
}
