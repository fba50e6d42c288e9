import NIOCore
import Testing

@testable import GatewayCore

@Suite("The gatekeeper")
struct GatekeeperTests {
  private struct Tokens: TokenDirectory {
    func holder(of token: String) -> TokenHolder? { token == "right" ? TokenHolder(id: [1], name: "alice") : nil }
    func current(_ earlier: TokenHolder) -> TokenHolder? { earlier }
  }

  private func gatekeeper(
    access: RouteAccess, takesStreams: Bool = true, payload: Int64 = 100, upload: Int64 = 1000,
    window: WindowLimit? = nil, clientLimits: ClientLimits = ClientLimits()
  ) -> Gatekeeper {
    Gatekeeper(routes: [
      RouteRuntime(
        route: Route(
          path: "/a", formats: [.text, .json], buffer: 1024...65536,
          limits: RouteLimits(
            upload: upload, held: 5000, concurrent: 1, unfinished: 1, payload: payload, window: window),
          resumeFor: .seconds(1), takesStreams: takesStreams, access: access, clientLimits: clientLimits),
        forwarder: TestForwarder())
    ])
  }

  private func request(
    route: String = "/a", shape: UploadRequest.Shape = .stream, format: DataFormat? = .text, buffer: Int64 = 4096,
    certificate: String? = nil, token: String? = nil
  ) -> UploadRequest {
    UploadRequest(
      access: AccessRequest(
        route: route,
        credentials: Credentials(
          certificate: certificate.map { ShownCertificate(holder: holder($0)) }, token: token, address: "192.0.2.1")),
      shape: shape, format: format, total: 10, transfer: TransferTerms(buffer: buffer))
  }

  private func holder(_ subject: String) -> CertificateHolder {
    CertificateHolder(identity: "00:\(subject)", subject: subject)
  }

  private let now = WallTime(milliseconds: 90_000)
  private let all = RouteAccess(takesAnyone: true, takesCertificates: true, tokens: Tokens())
  private let credentialed = RouteAccess(takesAnyone: false, takesCertificates: true, tokens: Tokens())

  @Test("names the first thing that is wrong: route, then credentials, then shape, then format")
  func order() throws {
    let strict = gatekeeper(access: credentialed, takesStreams: false)
    #expect(throws: Refusal.noRoute) { try strict.admit(request(route: "/b", format: nil), at: now) }
    #expect(throws: Refusal.unauthorized) { try strict.admit(request(format: nil), at: now) }
    #expect(throws: Refusal.shape(.stream)) { try strict.admit(request(format: nil, token: "right"), at: now) }
    let withStreams = gatekeeper(access: credentialed, payload: 0)
    #expect(throws: Refusal.format(accepted: [.text, .json])) {
      try withStreams.admit(request(format: nil, token: "right"), at: now)
    }
    #expect(throws: Refusal.format(accepted: [.text, .json])) {
      try withStreams.admit(request(format: .bytes, token: "right"), at: now)
    }
    #expect(throws: Refusal.shape(.payload)) {
      try withStreams.admit(request(shape: .payload, token: "right"), at: now)
    }
    #expect(try withStreams.admit(request(token: "right"), at: now).identity == .token(name: "alice"))
  }

  @Test("takes a token before a certificate, and a certificate before nothing")
  func precedence() throws {
    let gatekeeper = gatekeeper(access: all)
    #expect(
      try gatekeeper.admit(request(certificate: "CN=c", token: "right"), at: now).identity == .token(name: "alice"))
    #expect(try gatekeeper.admit(request(certificate: "CN=c"), at: now).identity == .certificate(holder("CN=c")))
    #expect(try gatekeeper.admit(request(), at: now).identity == .anonymous(address: "192.0.2.1"))
  }

  @Test("knows the uploads of a certificate, also those that an earlier release recorded by the subject alone")
  func ownership() {
    let one = ClientIdentity.certificate(CertificateHolder(identity: "01:CN=c", subject: "CN=c"))
    #expect(one.owner == "certificate:01:CN=c" && one.subject == one.owner)
    #expect(one.owns("certificate:01:CN=c") && one.owns("certificate:CN=c"))
    for owner in ["", "certificate:", "certificate:02:CN=c", "certificate:CN=d", "token:CN=c", "CN=c"] {
      #expect(!one.owns(owner), "\(owner)")
    }
    let unnamed = ClientIdentity.certificate(CertificateHolder(identity: "03:unnamed", subject: nil))
    #expect(unnamed.owns("certificate:03:unnamed") && !unnamed.owns("certificate:") && !unnamed.owns(""))
    #expect(ClientIdentity.anonymous(address: "a").owns("") && !ClientIdentity.anonymous(address: "a").owns("token:a"))
  }

  @Test("never passes over a wrong token, whatever else the client has")
  func wrongToken() {
    let gatekeeper = gatekeeper(access: all)
    #expect(throws: Refusal.unauthorized) {
      try gatekeeper.admit(request(certificate: "CN=c", token: "wrong"), at: now)
    }
    #expect(throws: Refusal.unauthorized) { try gatekeeper.admit(request(token: "wrong"), at: now) }
    #expect(throws: Refusal.unauthorized) { try gatekeeper.admit(request(token: ""), at: now) }
  }

  @Test("takes no certificate for a token's route")
  func tokensOnly() {
    let gatekeeper = gatekeeper(access: RouteAccess(takesAnyone: false, takesCertificates: false, tokens: Tokens()))
    #expect(throws: Refusal.unauthorized) { try gatekeeper.admit(request(certificate: "CN=c"), at: now) }
  }

  @Test("holds the portion size within the route's bounds")
  func buffer() throws {
    let gatekeeper = gatekeeper(access: all)
    #expect(try gatekeeper.admit(request(buffer: 1), at: now).transfer.buffer == 1024)
    #expect(try gatekeeper.admit(request(buffer: 5000), at: now).transfer.buffer == 5000)
    #expect(try gatekeeper.admit(request(buffer: .max), at: now).transfer.buffer == 65536)
  }

  @Test("bounds a payload by the smaller of the route's limits")
  func payloadLimit() throws {
    #expect(try gatekeeper(access: all).admit(request(shape: .payload), at: now).limit == 100)
    #expect(try gatekeeper(access: all, upload: 50).admit(request(shape: .payload), at: now).limit == 50)
    #expect(try gatekeeper(access: all).admit(request(), at: now).limit == 1000)
  }

  @Test("gives two kinds of credentials with the same name two owners, and anonymous clients none")
  func owners() {
    #expect(ClientIdentity.certificate(holder("x")).owner != ClientIdentity.token(name: "x").owner)
    #expect(ClientIdentity.anonymous(address: "192.0.2.1").owner.isEmpty)
    #expect(ClientIdentity.anonymous(address: "192.0.2.1").subject == "address:192.0.2.1")
  }

  @Test("names the quotas of the route and of the client, and the window that the moment lies in")
  func quotas() throws {
    let gatekeeper = gatekeeper(
      access: all, window: WindowLimit(bytes: 700, every: .seconds(60)),
      clientLimits: ClientLimits(held: 300, window: WindowLimit(bytes: 90, every: .seconds(7))))
    let alice = "token:alice"
    for (moment, minute, week) in [(90_000, 60_000, 84_000), (119_999, 60_000, 119_000), (120_000, 120_000, 119_000)] {
      #expect(
        try gatekeeper.admit(request(token: "right"), at: WallTime(milliseconds: Int64(moment))).quotas == [
          QuotaCap(subject: "", window: 0, cap: 5000),
          QuotaCap(subject: "", window: Int64(minute), cap: 700, length: 60_000),
          QuotaCap(subject: alice, window: 0, cap: 300),
          QuotaCap(subject: alice, window: Int64(week), cap: 90, length: 7000),
        ])
    }
    #expect(
      try gatekeeper.admit(request(), at: now).quotas.map(\.subject).suffix(2) == [
        "address:192.0.2.1", "address:192.0.2.1",
      ])
  }

  @Test("never takes a window for none, whatever the calendar says")
  func firstWindow() throws {
    let gatekeeper = gatekeeper(access: all, window: WindowLimit(bytes: 1, every: .seconds(86_400)))
    for moment in [0, 1, 86_399_999, -1] as [Int64] {
      let quotas = try gatekeeper.admit(request(), at: WallTime(milliseconds: moment)).quotas
      #expect(quotas.count(where: { $0.window != 0 }) == 1)
    }
  }
}
