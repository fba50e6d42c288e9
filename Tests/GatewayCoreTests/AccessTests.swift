import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import GatewayCore

/// Who is let in to a route, and as whom.
@Suite struct AccessTests {
  private struct Tokens: TokenDirectory {
    var holders: [String: TokenHolder]

    init(_ holders: [TokenHolder]) { self.holders = Dictionary(uniqueKeysWithValues: holders.map { ($0.name, $0) }) }
    func holder(of token: String) -> TokenHolder? { holders[token] }
    func current(_ earlier: TokenHolder) -> TokenHolder? { holders.values.first { $0.id == earlier.id } }
  }

  private static let now = WallTime(milliseconds: 1000)
  private let tokens = Tokens([
    TokenHolder(id: [1], name: "alice", group: "staff"), TokenHolder(id: [2], name: "bob"),
    TokenHolder(id: [3], name: "late", group: "staff", expiresAt: now),
    TokenHolder(id: [4], name: "early", group: "staff", expiresAt: WallTime(milliseconds: 1001)),
    TokenHolder(id: [5], name: "elsewhere", group: "staff", routes: ["/b"]),
  ])

  private func certificate(
    _ names: ShownCertificate.Names = .init(subject: "CN=c"), key: [UInt8] = [7], authority: [UInt8] = [9],
    trust: @escaping @Sendable (WallTime) -> WallTime? = { _ in WallTime(milliseconds: .max) }
  ) -> ShownCertificate {
    ShownCertificate(
      holder: CertificateHolder(identity: "00:c", subject: nil), names: names, key: key, authority: authority,
      trust: trust)
  }

  /// The subject of whoever is let in; `nil` where nobody is.
  private func admitted(
    _ ways: [AccessWay], token: String? = nil, certificate: ShownCertificate? = nil, takesAnyone: Bool = false
  ) -> String? {
    let access = RouteAccess(takesAnyone: takesAnyone, ways: ways, tokens: tokens)
    guard
      let grounds = try? access.grounds(
        Credentials(certificate: certificate, token: token, address: "192.0.2.1"), on: "/a")
    else { return nil }
    return access.right(by: grounds, at: Self.now, edition: 0)?.identity.subject
  }

  @Test("a token is good by its name, its group, its routes, and until it expires")
  func tokenTerms() {
    let staff = [AccessWay(tokens: TokenTerms(groups: ["staff"]))]
    #expect(admitted(staff, token: "alice") == "token:alice" && admitted(staff, token: "early") == "token:early")
    for token in ["bob", "late", "elsewhere", "stranger", nil] { #expect(admitted(staff, token: token) == nil) }
    let named = [AccessWay(tokens: TokenTerms(names: ["bob"], groups: ["staff"]))]
    #expect(admitted(named, token: "bob") == "token:bob" && admitted(named, token: "alice") == "token:alice")
    #expect(admitted([AccessWay(tokens: .any)], token: "bob") == "token:bob")
  }

  @Test("both are both: neither a token nor a certificate alone is enough, and the token says who it is")
  func both() {
    let way = [AccessWay(tokens: .any, certificates: .any)]
    #expect(admitted(way, token: "alice", certificate: certificate()) == "token:alice")
    #expect(admitted(way, token: "alice") == nil && admitted(way, certificate: certificate()) == nil)
    #expect(admitted(way, token: "late", certificate: certificate()) == nil)
    let either = way + [AccessWay(certificates: CertificateTerms(patterns: [.key([7])]))]
    #expect(admitted(either, certificate: certificate()) == "certificate:00:c")
    // A token that was shown is judged, and never passed over for the certificate beside it.
    for token in ["late", "stranger"] { #expect(admitted(either, token: token, certificate: certificate()) == nil) }
    #expect(admitted([AccessWay()], certificate: certificate()) == nil && admitted([]) == nil)
  }

  @Test("a certificate that no handshake would take any more lets nobody in, not even where anyone is welcome")
  func untrusted() {
    let revoked = certificate(trust: { _ in nil })
    #expect(admitted([AccessWay(certificates: .any)], certificate: revoked) == nil)
    #expect(admitted([], certificate: revoked, takesAnyone: true) == nil)
    #expect(admitted([AccessWay(tokens: .any)], token: "alice", certificate: revoked) == nil)
    #expect(admitted([], takesAnyone: true) == "address:192.0.2.1")
  }

  @Test("names of certificates fit as a whole", arguments: 0..<8)
  func patterns(index: Int) {
    let (pattern, good, bad) = certificatePatterns[index]
    for names in good { #expect(pattern.fits(certificate(names)), "\(pattern) \(names)") }
    for names in bad { #expect(!pattern.fits(certificate(names)), "\(pattern) \(names)") }
  }

  @Test("a key is pinned by itself, and an authority beside whatever else fits")
  func pins() {
    let pinned = [AccessWay(certificates: CertificateTerms(patterns: [.key([7]), .commonName("x")]))]
    #expect(admitted(pinned, certificate: certificate()) != nil)
    #expect(admitted(pinned, certificate: certificate(key: [8])) == nil)
    let vouched = [AccessWay(certificates: CertificateTerms(patterns: [.subject("CN=c")], authorities: [[9]]))]
    #expect(admitted(vouched, certificate: certificate()) != nil)
    #expect(admitted(vouched, certificate: certificate(authority: [10])) == nil)
    #expect(admitted(vouched, certificate: certificate(.init(subject: "CN=d"))) == nil)
  }

  // MARK: While an upload is under way

  private let loop = EmbeddedEventLoop()

  private func fixture() -> GatewayFixture {
    GatewayFixture(access: RouteAccess(takesAnyone: false, ways: [AccessWay(tokens: .any)], tokens: tokens))
  }

  private func publish(_ holders: [TokenHolder], _ fixture: GatewayFixture) {
    fixture.gateway.access.publish([
      GatewayFixture.path: RouteAccess(
        takesAnyone: false, ways: [AccessWay(tokens: .any)], tokens: Tokens(holders))
    ])
  }

  private func offered(_ fixture: GatewayFixture, shape: UploadRequest.Shape = .stream) throws -> TestFront {
    let front = try fixture.open(fixture.request(total: 100, shape: shape, token: "alice"), on: loop)
    loop.run()
    #expect(front.said == ["offered 0..<100"])
    return front
  }

  @Test("a token that is revoked ends an upload at its next bytes, and what arrived before is kept")
  func revoked() throws {
    let fixture = fixture()
    let front = try offered(fixture)
    front.write(40)
    publish([TokenHolder(id: [2], name: "bob")], fixture)
    loop.run()
    #expect(front.said == ["offered 0..<100"])
    front.write(10)
    loop.run()
    #expect(front.said.suffix(2) == ["unauthorized", "suspended 40"])
    #expect(throws: Refusal.unauthorized) {
      try fixture.resume(fixture.resumption(of: #require(front.offer).key, token: "alice"), on: loop)
    }
    // The right comes back, and with it the upload.
    publish([TokenHolder(id: [1], name: "alice")], fixture)
    let again = try fixture.resume(
      fixture.resumption(of: #require(front.offer).key, token: "alice"), on: loop)
    loop.run()
    #expect(again.said == ["offered 40..<100"])
    again.upload?.leaveSilently()
    loop.run()
    #expect(fixture.ledger.violations.isEmpty)
  }

  @Test("an upload whose right stays goes on, whatever else is published")
  func stays() throws {
    let fixture = fixture()
    let front = try offered(fixture)
    publish([TokenHolder(id: [1], name: "alice", group: "other"), TokenHolder(id: [2], name: "bob")], fixture)
    front.write(100)
    front.upload?.finish()
    loop.run()
    #expect(front.last == "complete 100")
  }

  @Test("whoever is somebody else by now has lost the right", arguments: ["bob", "alice"])
  func renamed(name: String) throws {
    let fixture = fixture()
    let front = try offered(fixture)
    publish([TokenHolder(id: [1], name: name, routes: name == "alice" ? ["/b"] : nil)], fixture)
    front.write(10)
    loop.run()
    #expect(front.said.suffix(2) == ["unauthorized", "suspended 0"])
  }

  @Test("a right that ended with the last bytes keeps them, and completes nothing")
  func atTheEnd() throws {
    let fixture = fixture()
    let front = try offered(fixture)
    front.write(100)
    publish([], fixture)
    front.upload?.finish()
    loop.run()
    #expect(front.said.suffix(2) == ["unauthorized", "suspended 100"])
  }

  @Test("what nobody could go on with is dropped", arguments: [UploadRequest.Shape.payload, .whole])
  func dropped(shape: UploadRequest.Shape) throws {
    let fixture = fixture()
    let front = try offered(fixture, shape: shape)
    front.write(40)
    publish([], fixture)
    front.write(10)
    loop.run()
    #expect(front.said.suffix(2) == ["unauthorized", "suspended 0"])
    #expect(fixture.ledger.uploads.isEmpty)
  }

  @Test("a token that expires ends an upload by itself")
  func expiry() throws {
    let clock = TestClock()
    let end = clock.now.advanced(byMilliseconds: 5000)
    let fixture = GatewayFixture(
      access: RouteAccess(
        takesAnyone: false, ways: [AccessWay(tokens: .any)],
        tokens: Tokens([TokenHolder(id: [1], name: "alice", expiresAt: end)])))
    let front = try offered(fixture)
    fixture.clock.advance(byMilliseconds: 4999)
    front.write(10)
    fixture.clock.advance(byMilliseconds: 1)
    front.write(10)
    loop.run()
    #expect(front.said.suffix(2) == ["unauthorized", "suspended 10"])
  }

  @Test("a certificate is judged again when something was published, and when it was only good until then")
  func certificateAgain() throws {
    let shared = Shared(trustedUntil: .max)
    do {
      let fixture = GatewayFixture(
        access: RouteAccess(takesAnyone: false, takesCertificates: true, tokens: nil))
      let shown = certificate(trust: { now in
        let until = WallTime(milliseconds: shared.until.load(ordering: .relaxed))
        return now < until ? until : nil
      })
      let access = AccessRequest(
        route: GatewayFixture.path, credentials: Credentials(certificate: shown, token: nil, address: "192.0.2.1"))
      func open() throws -> TestFront {
        let front = try fixture.open(
          UploadRequest(
            access: access, shape: .stream, format: .bytes, total: 100, transfer: .test()), on: loop)
        loop.run()
        return front
      }
      let first = try open()
      shared.until.store(fixture.clock.now.milliseconds, ordering: .relaxed)
      first.write(10)
      loop.run()
      #expect(first.last == "offered 0..<100", "nothing was published")
      fixture.gateway.access.noteChange()
      first.write(10)
      loop.run()
      #expect(first.said.suffix(2) == ["unauthorized", "suspended 10"])
      // A list of revoked certificates that is overdue may have been followed by another one, or not.
      shared.until.store(fixture.clock.now.milliseconds + 10, ordering: .relaxed)
      let second = try open()
      fixture.clock.advance(byMilliseconds: 10)
      shared.until.store(fixture.clock.now.milliseconds + 10, ordering: .relaxed)
      second.write(10)
      fixture.clock.advance(byMilliseconds: 10)
      second.write(10)
      loop.run()
      #expect(second.said.suffix(2) == ["unauthorized", "suspended 10"])
    }
  }

  private final class Shared: Sendable {
    let until: Atomic<Int64>
    init(trustedUntil: Int64) { until = Atomic(trustedUntil) }
  }
}

private let certificatePatterns: [(CertificatePattern, good: [ShownCertificate.Names], bad: [ShownCertificate.Names])] =
  [
    (.subject("CN=c,O=Example"), [.init(subject: "CN=c,O=Example")], [.init(subject: "CN=c"), .init()]),
    (.commonName("c"), [.init(commonName: "c")], [.init(commonName: "C"), .init(subject: "CN=c"), .init()]),
    (
      .dns("*.Example.org"), [.init(dns: ["x", "a.example.ORG"])],
      [.init(dns: ["example.org", "a.b.example.org", ".example.org", "*.example.org", "aexample.org"])]
    ),
    (.dns("a.example"), [.init(dns: ["A.example"])], [.init(dns: ["b.a.example", "a.example."])]),
    (
      .uri("spiffe://x/backup/*"), [.init(uris: ["spiffe://x/backup/one"])],
      [.init(uris: ["spiffe://x/backup", "spiffe://x/backup/", "spiffe://x/backup/a/b", "spiffe://y/backup/one"])]
    ),
    (
      .uri("spiffe://x/**"), [.init(uris: ["spiffe://x/a"]), .init(uris: ["spiffe://x/a/b"])],
      [.init(uris: ["spiffe://x", "spiffe://x/", "spiffe://x/a/", "spiffe://xx/a"])]
    ),
    (.uri("urn:a:b"), [.init(uris: ["urn:a:b"])], [.init(uris: ["urn:a:bc", "URN:a:b"])]),
    (
      .email("a@Example.org"), [.init(emails: ["a@example.ORG"])],
      [.init(emails: ["A@example.org", "a@b@example.org", "a@x.example.org"])]
    ),
  ]
