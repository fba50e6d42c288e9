import NIOCore
import NIOEmbedded
import Testing

@testable import GatewayCore

@Suite("A key that stands in for credentials")
struct KeyRightTests {
  private struct Tokens: TokenDirectory {
    func holder(of token: String) -> TokenHolder? {
      ["a": "alice", "b": "bob"][token].map { TokenHolder(id: Array(token.utf8), name: $0) }
    }

    func current(_ earlier: TokenHolder) -> TokenHolder? { earlier }
  }

  private static let access = RouteAccess(takesAnyone: false, takesCertificates: true, tokens: Tokens())

  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture(
    access: KeyRightTests.access, clientLimits: ClientLimits(concurrent: 1, bandwidth: 1000))

  /// As a front asks on a route where keys suffice.
  private func byKey(token: String? = nil, certificate: String? = nil) -> AccessRequest {
    var access = fixture.context(token: token)
    access.takesKey = true
    access.credentials.certificate = certificate.map {
      ShownCertificate(holder: CertificateHolder(identity: $0, subject: nil))
    }
    return access
  }

  private func begin(total: Int64 = 1000) throws -> UploadKey {
    let front = try fixture.open(fixture.request(total: total, token: "a"), on: loop)
    loop.run()
    front.upload?.leave()
    loop.run()
    return try #require(front.offer?.key)
  }

  private func resume(_ key: UploadKey, _ access: AccessRequest) throws -> TestFront {
    var resumption = fixture.resumption(of: key)
    resumption.access = access
    let front = try fixture.resume(resumption, on: loop)
    loop.run()
    return front
  }

  private func result<Value>(of future: EventLoopFuture<Value>) -> Result<Value, any Error>? {
    var result: Result<Value, any Error>?
    future.assumeIsolated().whenComplete { result = $0 }
    loop.run()
    return result
  }

  /// Everything that may be asked of an upload, but for going on with it.
  private func ask(_ key: UploadKey, _ access: AccessRequest) throws {
    let gateway = fixture.gateway
    _ = try result(of: gateway.status(of: key, access, on: loop))?.get()
    _ = try result(of: gateway.settledStatus(of: key, access, on: loop))?.get()
  }

  @Test("is right enough to ask, to go on, to remove and to give up")
  func suffices() throws {
    let key = try begin()
    try ask(key, byKey())
    let front = try resume(key, byKey())
    front.write(1000)
    front.upload?.finish()
    loop.run()
    #expect(front.last == "complete 1000")
    try result(of: fixture.gateway.remove(key, byKey(), on: loop))?.get()
    // Its bytes are paid for by then.
    loop.advanceTime(by: .seconds(2))
    let other = try begin()
    try result(of: fixture.gateway.cancel(other, byKey(), on: loop))?.get()
    #expect(fixture.ledger.uploads.isEmpty)
  }

  @Test("counts with whoever began the upload, and its bytes are theirs")
  func countsForOwner() throws {
    let (key, other) = (try begin(), try begin())
    let front = try resume(key, byKey())
    #expect(front.said == ["offered 0..<1000"])
    #expect(fixture.forwarder.opened.last?.client == .token(name: "alice"))
    #expect(try resume(other, byKey()).said == ["refused busy(retryAfter: 5)"])
    #expect(try resume(other, byKey(token: "a")).said == ["refused busy(retryAfter: 5)"])
    front.write(500)
    #expect(front.isPaused, "alice's bandwidth is used up")
  }

  @Test("begins nothing")
  func beginsNothing() {
    var request = fixture.request(total: 10)
    request.access = byKey()
    #expect(throws: Refusal.unauthorized) { try fixture.open(request, on: loop) }
    #expect(throws: Refusal.unauthorized) { try fixture.gateway.authorize(byKey()) }
  }

  @Test("is not what a wrong token is passed over for, and no more than the right of another's token")
  func wrongToken() throws {
    let key = try begin()
    for (token, refusal) in [("wrong", Refusal.unauthorized), ("", .unauthorized), ("b", .unknownUpload)] {
      let access = byKey(token: token, certificate: "c")
      #expect(throws: refusal) { try ask(key, access) }
      #expect(throws: refusal) { try result(of: fixture.gateway.settledStatus(of: key, access, on: loop))?.get() }
      #expect(throws: refusal) { try result(of: fixture.gateway.cancel(key, access, on: loop))?.get() }
      #expect(throws: refusal) { try result(of: fixture.gateway.remove(key, access, on: loop))?.get() }
    }
    #expect(throws: Refusal.unauthorized) { try resume(key, byKey(token: "wrong")) }
    #expect(try resume(key, byKey(token: "b")).said == ["refused unknownUpload"])
    #expect(fixture.ledger.uploads[key]?.state == .open)
  }

  @Test("is right enough beside a certificate that came along, and that is another client's")
  func certificate() throws {
    let key = try begin()
    try ask(key, byKey(certificate: "c"))
    #expect(try resume(key, byKey(certificate: "c")).said == ["offered 0..<1000"])
    #expect(fixture.forwarder.opened.last?.client == .token(name: "alice"))
  }

  @Test("is nothing where the front does not say so, on another route, and where there is no such upload")
  func elsewhere() throws {
    let key = try begin()
    #expect(throws: Refusal.unauthorized) { try ask(key, fixture.context()) }
    #expect(throws: Refusal.unknownUpload) { try ask(.mint(), byKey()) }
    var access = byKey()
    access.route = "/other"
    #expect(throws: Refusal.noRoute) { try ask(key, access) }
    let record = UploadRecord(
      facts: UploadFacts(key: .mint(), route: "/other", owner: "token:alice", total: 1, createdAt: fixture.clock.now),
      committed: 0, granted: 1, state: .open, epoch: 1, expiresAt: fixture.clock.now)
    fixture.ledger.insert(record)
    #expect(throws: Refusal.unknownUpload) { try ask(record.key, byKey()) }
  }

  @Test("names the owner's quotas, and its own client where that is the owner")
  func quotas() throws {
    let runtime = RouteRuntime(
      route: Route(
        path: "/a", formats: [.bytes], buffer: 1024...65536,
        limits: RouteLimits(upload: 1, held: 1, concurrent: 1, unfinished: 1, payload: 1), resumeFor: .seconds(1),
        takesStreams: true, access: Self.access, clientLimits: ClientLimits(held: 5)), forwarder: TestForwarder())
    let holder = RecognisedClient(
      runtime: runtime, right: ClientRight(of: .anonymous(address: "192.0.2.1"), on: "/a"), hasKey: true)
    let now = WallTime(milliseconds: 0)
    let admission = Admission(holder, limit: 1, terms: .test(), at: now)
    let identities = [
      ClientIdentity.token(name: "alice"), .certificate(CertificateHolder(identity: "00:CN=c", subject: nil)),
    ]
    for identity in identities {
      let facts = UploadFacts(
        key: .mint(), route: "/a", owner: identity.owner, subject: identity.subject, total: 1, createdAt: now)
      let own = admission.on(facts, at: now)
      #expect(own.identity == identity && own.quotas.map(\.subject) == ["", identity.subject])
    }
    // Whoever shows nothing is whoever began it without showing anything, from wherever.
    let nobodys = UploadFacts(
      key: .mint(), route: "/a", owner: "", subject: "address:192.0.2.9", total: 1, createdAt: now)
    #expect(admission.on(nobodys, at: now).identity == holder.identity)
  }

  @Test("knows an owner again by what is recorded of it")
  func identities() {
    let identities = [
      ClientIdentity.token(name: "alice"), .certificate(CertificateHolder(identity: "00:CN=c", subject: nil)),
      .anonymous(address: "192.0.2.1"),
    ]
    for identity in identities {
      #expect(ClientIdentity(owner: identity.owner, subject: identity.subject) == identity)
    }
    #expect(ClientIdentity(owner: "", subject: "") == .anonymous(address: "unknown"))
  }
}
