import COpenSSL
import Foundation
import NIOCore
import Testing

@testable import TLSTransport

/// How long a session may be resumed, and by whom.
@Suite struct SessionOriginTests {
  static let versions = [TLS1_2_VERSION, TLS1_3_VERSION]
  let ours = Certificates.ours

  /// A server whose clock can be moved, and one client.
  final class Place {
    let server: TLSContext
    let client: TLSContext
    private let began = Int(time(nil))

    init(version: CInt, clients: TLSServerConfiguration.ClientCertificates, identity: TLSClientConfiguration.Identity?)
      throws
    {
      server = try Certificates.ours.serverContext(clients: clients)
      try #require(shim_SSL_CTX_set_max_proto_version(server.handle, version) == 1)
      client = try Certificates.ours.clientContext(identity: identity)
    }

    func moveClock(by seconds: Int) {
      X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(server.handle), began + seconds)
    }

    /// - Returns: whether the ticket was taken and the next one, or why there is no connection.
    func connect(_ ticket: TLSResumption?) throws -> (isResumed: Bool?, ticket: TLSResumption?, failure: TLSError?) {
      let pair = try SessionPair(client: client, server: server)
      if let ticket { pair.client.offer(ticket) }
      try pair.handshake()
      guard pair.server.isHandshakeComplete else { return (nil, nil, pair.atServer.failure) }
      return (pair.server.handshakeSummary().isResumed, pair.client.resumption, nil)
    }
  }

  private func place(_ version: CInt, validFor: Int) throws -> Place {
    let root = try ForgedCertificate.authority()
    let client = try ForgedCertificate([.name("client")], issuer: root, validFor: validFor)
    return try Place(
      version: version, clients: .required(caFile: root.identity().certificateChainFile), identity: client.identity())
  }

  @Test("a client whose certificate has expired is refused, ticket or not", arguments: versions)
  func expired(version: CInt) throws {
    let place = try place(version, validFor: 7200)
    let first = try place.connect(nil)
    place.moveClock(by: 7100)
    let second = try place.connect(first.ticket)
    #expect(first.isResumed == false && second.isResumed == true)
    place.moveClock(by: 7300)
    for ticket in [first.ticket, second.ticket, nil] {
      let late = try place.connect(ticket)
      #expect(late.failure == .untrustedCertificate(reason: "certificate has expired"), "\(late)")
    }
    // Nor does the ticket go on before the certificate begins.
    place.moveClock(by: -7200)
    #expect(try place.connect(second.ticket).isResumed == nil)
  }

  @Test("it is judged by the machine's own clock", .timeLimit(.minutes(1)), arguments: versions)
  func expiring(version: CInt) async throws {
    let place = try place(version, validFor: 5)
    let end = Date(timeIntervalSinceNow: 5.1)
    let first = try place.connect(nil)
    #expect(try place.connect(first.ticket).isResumed == true)
    // The certificate's end is what is waited for.
    try await Task.sleep(for: .seconds(max(0, end.timeIntervalSinceNow)))
    let late = try place.connect(first.ticket)
    #expect(late.failure == .untrustedCertificate(reason: "certificate has expired"), "\(late)")
  }

  @Test("an authority between that has expired counts as well", arguments: versions)
  func expiredAuthority(version: CInt) throws {
    let root = try ForgedCertificate.authority()
    let between = try ForgedCertificate([.name("between")], issuer: root, isAuthority: true, validFor: 600)
    let client = try ForgedCertificate([.name("client")], issuer: between)
    let place = try Place(
      version: version, clients: .required(caFile: root.identity().certificateChainFile),
      identity: client.identity(behind: [between]))
    let first = try place.connect(nil)
    place.moveClock(by: 500)
    #expect(try place.connect(first.ticket).isResumed == true)
    place.moveClock(by: 700)
    #expect(try place.connect(first.ticket).failure == .untrustedCertificate(reason: "certificate has expired"))
  }

  @Test("a chain of tickets ends a day after the full handshake, with one anew", arguments: versions, [false, true])
  func chain(version: CInt, hasCertificate: Bool) throws {
    let place =
      hasCertificate
      ? try place(version, validFor: 10 * 86_400) : try Place(version: version, clients: .none, identity: nil)
    var ticket = try place.connect(nil).ticket
    for hour in [6, 12, 18, 23] {
      place.moveClock(by: 3600 * hour)
      let next = try place.connect(ticket)
      #expect(next.isResumed == true)
      ticket = next.ticket
    }
    place.moveClock(by: 3600 * 24 + 10)
    let after = try place.connect(ticket)
    #expect(after.isResumed == false)
    place.moveClock(by: 3600 * 40)
    #expect(try place.connect(after.ticket).isResumed == true)
  }

  @Test("a handshake that lies in the future resumes nothing")
  func future() {
    let origin = SessionOrigin(handshakeAt: 1_000_000)
    #expect(origin.permitsResumption(at: 1_000_000, nil) && origin.permitsResumption(at: 999_900, nil))
    #expect(!origin.permitsResumption(at: 990_000, nil) && !origin.permitsResumption(at: .min, nil))
    #expect(!SessionOrigin(handshakeAt: .min).permitsResumption(at: .max, nil))
  }

  @Test("what a ticket has is taken whole, or not at all")
  func bytes() {
    let link = CertificateChain.Link(issuer: Array(1..<33), authority: Array(0..<32), serial: [0x80, 0])
    let chain = CertificateChain(validity: -5..<(1 << 40), anchor: Array(2..<34), links: [link, link])
    let origin = SessionOrigin(handshakeAt: 7, chain: chain)
    #expect(origin.bytes.withUnsafeBytes { SessionOrigin($0) } == origin)
    let without = SessionOrigin(handshakeAt: 7)
    #expect(without.bytes.withUnsafeBytes { SessionOrigin($0) } == without)
    for count in 0..<origin.bytes.count where count != without.bytes.count {
      #expect(origin.bytes.prefix(count).withUnsafeBytes { SessionOrigin($0) } == nil)
    }
    #expect((origin.bytes + [0]).withUnsafeBytes { SessionOrigin($0) } == nil)
    #expect(([1] + origin.bytes.dropFirst()).withUnsafeBytes { SessionOrigin($0) } == nil)
  }
}
