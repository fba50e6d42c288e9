import Foundation
import NIOCore
import Testing

@testable import TLSTransport

/// Which tickets are taken after a context was replaced.
@Suite struct TicketKeyTests {
  let ours = Certificates.ours

  private func server(_ keys: TicketKeys, clients: TLSServerConfiguration.ClientCertificates = .none) throws
    -> TLSContext
  {
    try TLSContext(
      server: .init(
        certificateChainFile: ours.server, privateKeyFile: ours.serverKey, clientCertificates: clients),
      ticketKeys: keys)
  }

  /// Whether the second server takes a ticket of the first.
  private func resumes(_ first: TLSContext, _ second: TLSContext, profile: TLSProfile = .intermediate) throws -> Bool {
    let context = try ours.clientContext(identity: ours.clientIdentity, profile: profile)
    let before = try SessionPair(client: context, server: first)
    try before.handshake()
    let after = try SessionPair(client: context, server: second)
    after.client.offer(try #require(before.client.resumption))
    try after.handshake()
    #expect(after.server.isHandshakeComplete)
    return after.server.handshakeSummary().isResumed
  }

  @Test("a session goes on in the context that follows, and not where its client would be judged by others")
  func replaced() throws {
    let keys = TicketKeys()
    for profile in [TLSProfile.intermediate, .modern] {
      #expect(try resumes(server(keys), server(keys), profile: profile))
    }
    #expect(try !resumes(server(keys), server(TicketKeys())))
    #expect(try !resumes(server(keys), server(keys, clients: .required(caFile: ours.clientsCA))))
  }

  @Test("servers that share keys take each other's tickets, also those of keys that are not the first any more")
  func shared() throws {
    let (old, new) = (try key(1), try key(2))
    let (first, second) = (TicketKeys(), TicketKeys())
    first.share([old])
    second.share([new, old])
    #expect(try resumes(server(first), server(second)))
    #expect(try !resumes(server(second), server(first)))
  }

  private func key(_ byte: UInt8) throws -> TicketKey {
    try #require(TicketKey([UInt8](repeating: byte, count: TicketKey.size)))
  }

  @Test("own keys change each hour, and are forgotten an hour after that")
  func rotation() throws {
    var ring = TicketKeyRing()
    let (made, again, next) = (ring.newest(at: 0), ring.newest(at: 3599), ring.newest(at: 3600))
    let (first, second) = (try #require(made), try #require(next))
    #expect(again == first)
    #expect(second != first)
    func isFound(_ key: TicketKey, at seconds: Int64) -> Bool? {
      key.name.withUnsafeBufferPointer { ring.find($0, at: seconds)?.isNewest }
    }
    #expect(isFound(first, at: 3601) == false && isFound(second, at: 3601) == true)
    #expect(isFound(first, at: 7200) == false)
    #expect(isFound(first, at: 7201) == nil)
    _ = ring.newest(at: 10_800)
    #expect(ring.own.count == 2)
  }

  @Test("a file of keys is read by the line, and what is wrong with it is told without the keys")
  func file() throws {
    let path = ours.path("tickets-" + UUID().uuidString)
    func read(_ text: String, mode: Int = 0o600) throws -> [TicketKey] {
      try text.write(toFile: path, atomically: false, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
      return try TicketKeyFile.read(path)
    }
    let line = String(repeating: "0123456789abcdef", count: 10)
    #expect(try read("# new\n\(line)\r\n\n\(String(line.reversed())) # old\n").count == 2)
    for (text, words) in [
      ("", "0 keys"), ("\(line)0\n", ":1: not 160 hexadecimal digits"),
      ("\n\(line)\n\(line)\n", ":3: a key with this name"),
    ] {
      let error = try #require(throws: TLSConfigurationError.self) { try read(text) }
      #expect("\(error)".contains(words) && !"\(error)".contains(line), "\(error)")
    }
    #expect(throws: TLSConfigurationError.self) { try read(line, mode: 0o604) }
  }
}
