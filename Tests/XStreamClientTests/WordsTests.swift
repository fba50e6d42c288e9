import NIOCore
import TLSTransport
import Testing

@testable import XStream
@testable import XStreamClient

/// Every message says where, what is wrong and what would help.
struct WordsTests {
  private func server(token: Bool = false, certificate: Bool = false) throws -> Counterpart {
    Counterpart(url: try XStreamURL("xstream://host/in"), showsToken: token, showsCertificate: certificate)
  }

  @Test(
    "a certificate that is expired, not valid yet, of another name or of an unknown authority are four messages",
    arguments: [
      ("certificate has expired", "has expired", nil),
      ("certificate is not yet valid", "not valid yet", nil),
      ("hostname mismatch", "not for host", nil),
      ("IP address mismatch", "not for host", nil),
      ("self-signed certificate", "authority that is not known", .authority),
      ("unable to get local issuer certificate", "authority that is not known", .authority),
      ("unable to verify the first certificate", "authority that is not known", .authority),
    ] as [(String, String, UploadError.Remedy?)])
  func certificates(reason: String, expected: String, remedy: UploadError.Remedy?) throws {
    let error = ConnectionLoss.tls(.untrustedCertificate(reason: reason)).error(nil, with: try server())
    #expect(error.code == .security && error.remedy == remedy && !error.isWorthAnotherTry)
    #expect(error.message.contains(expected) && error.message.contains("host:8443"), "\(error.message)")
  }

  @Test("credentials that are missing are told from those that are wrong")
  func credentials() throws {
    func error(token: Bool, certificate: Bool) throws -> UploadError {
      let outcome = ClientOutcome(
        status: .unauthorized, formats: [], reply: .none, next: .never, connectionStays: true)
      return UploadError.answer(outcome, from: try server(token: token, certificate: certificate))
    }
    let none = try error(token: false, certificate: false)
    #expect(none.remedy == .credentials && none.message.contains("none were given") && none.message.contains("/in"))
    let token = try error(token: true, certificate: false)
    #expect(token.remedy == nil && token.message.contains("this token"))
    let certificate = try error(token: false, certificate: true)
    #expect(certificate.remedy == .credentials && certificate.message.contains("this client certificate"))
    let asked = ConnectionLoss.tls(.protocolViolation(reason: "tlsv13 alert certificate required"))
    #expect(asked.error(nil, with: try server()).remedy == .certificate)
    #expect(asked.error(nil, with: try server(certificate: true)).message.contains("does not accept"))
  }

  @Test("every answer and every loss names host and port")
  func place() throws {
    let server = try server()
    for status in Status.allCases where status != .ok && status != .malformed {
      #expect(status.advice(server).contains("host:8443"), "\(status)")
    }
    let losses: [ConnectionLoss] = [
      .connect("refused"), .closed, .silent(.seconds(1)), .broken("reset"), .tls(.truncated),
      .tls(.closedDuringHandshake), .foreign(isHTTP: true), .foreign(isHTTP: false),
    ]
    for loss in losses { #expect(loss.error(nil, with: server).message.contains("host:8443"), "\(loss)") }
    #expect(Status.noRoute.advice(server).contains("/in"))
  }

  @Test("a server that speaks something else, over TLS, is told from one that breaks the protocol")
  func foreign() async throws {
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say("HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.drain()
      }
    ]) { url in await failure { try await client().upload(.bytes(pattern(10)), to: url, options: quick()) } }
    #expect(error?.code == .violation && error?.message.contains("HTTPS server") == true)
  }
}
