import GatewayCore
import Testing

@Suite("The gatekeeper")
struct GatekeeperTests {
  private struct Tokens: TokenDirectory {
    func name(of token: String) -> String? { token == "right" ? "alice" : nil }
  }

  private func gatekeeper(
    access: RouteAccess, takesStreams: Bool = true, payload: Int64 = 100, upload: Int64 = 1000
  ) -> Gatekeeper {
    Gatekeeper(routes: [
      Route(
        path: "/a", formats: [.text, .json], buffer: 1024...65536,
        limits: RouteLimits(upload: upload, held: 5000, concurrent: 1, unfinished: 1, payload: payload),
        resumeFor: .seconds(1), takesStreams: takesStreams, access: access)
    ])
  }

  private func request(
    route: String = "/a", shape: UploadRequest.Shape = .stream, format: DataFormat? = .text, buffer: Int64 = 4096,
    certificate: String? = nil, token: String? = nil
  ) -> UploadRequest {
    UploadRequest(
      route: route, shape: shape, format: format, total: 10, buffer: buffer, label: nil, digest: nil,
      acknowledgeEvery: nil,
      credentials: Credentials(certificateSubject: certificate, token: token, address: "192.0.2.1"))
  }

  private let all = RouteAccess(takesAnyone: true, takesCertificates: true, tokens: Tokens())
  private let credentialed = RouteAccess(takesAnyone: false, takesCertificates: true, tokens: Tokens())

  @Test("names the first thing that is wrong: route, then credentials, then shape, then format")
  func order() throws {
    let strict = gatekeeper(access: credentialed, takesStreams: false)
    #expect(throws: Refusal.noRoute) { try strict.admit(request(route: "/b", format: nil)) }
    #expect(throws: Refusal.unauthorized) { try strict.admit(request(format: nil)) }
    #expect(throws: Refusal.shape(.stream)) { try strict.admit(request(format: nil, token: "right")) }
    let withStreams = gatekeeper(access: credentialed, payload: 0)
    #expect(throws: Refusal.format(accepted: [.text, .json])) {
      try withStreams.admit(request(format: nil, token: "right"))
    }
    #expect(throws: Refusal.format(accepted: [.text, .json])) {
      try withStreams.admit(request(format: .bytes, token: "right"))
    }
    #expect(throws: Refusal.shape(.payload)) { try withStreams.admit(request(shape: .payload, token: "right")) }
    #expect(try withStreams.admit(request(token: "right")).identity == .token(name: "alice"))
  }

  @Test("takes a token before a certificate, and a certificate before nothing")
  func precedence() throws {
    let gatekeeper = gatekeeper(access: all)
    #expect(try gatekeeper.admit(request(certificate: "CN=c", token: "right")).identity == .token(name: "alice"))
    #expect(try gatekeeper.admit(request(certificate: "CN=c")).identity == .certificate(subject: "CN=c"))
    #expect(try gatekeeper.admit(request()).identity == .anonymous(address: "192.0.2.1"))
  }

  @Test("never passes over a wrong token, whatever else the client has")
  func wrongToken() {
    let gatekeeper = gatekeeper(access: all)
    #expect(throws: Refusal.unauthorized) { try gatekeeper.admit(request(certificate: "CN=c", token: "wrong")) }
    #expect(throws: Refusal.unauthorized) { try gatekeeper.admit(request(token: "wrong")) }
    #expect(throws: Refusal.unauthorized) { try gatekeeper.admit(request(token: "")) }
  }

  @Test("takes no certificate for a token's route")
  func tokensOnly() {
    let gatekeeper = gatekeeper(access: RouteAccess(takesAnyone: false, takesCertificates: false, tokens: Tokens()))
    #expect(throws: Refusal.unauthorized) { try gatekeeper.admit(request(certificate: "CN=c")) }
  }

  @Test("holds the portion size within the route's bounds")
  func buffer() throws {
    let gatekeeper = gatekeeper(access: all)
    #expect(try gatekeeper.admit(request(buffer: 1)).buffer == 1024)
    #expect(try gatekeeper.admit(request(buffer: 5000)).buffer == 5000)
    #expect(try gatekeeper.admit(request(buffer: .max)).buffer == 65536)
  }

  @Test("bounds a payload by the smaller of the route's limits")
  func payloadLimit() throws {
    #expect(try gatekeeper(access: all).admit(request(shape: .payload)).limit == 100)
    #expect(try gatekeeper(access: all, upload: 50).admit(request(shape: .payload)).limit == 50)
    #expect(try gatekeeper(access: all).admit(request()).limit == 1000)
  }

  @Test("gives two kinds of credentials with the same name two owners, and anonymous clients none")
  func owners() {
    #expect(ClientIdentity.certificate(subject: "x").owner != ClientIdentity.token(name: "x").owner)
    #expect(ClientIdentity.anonymous(address: "192.0.2.1").owner.isEmpty)
    #expect(ClientIdentity.anonymous(address: "192.0.2.1").subject == "address:192.0.2.1")
  }
}
