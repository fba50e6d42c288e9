import Foundation
import NIOCore
import TLSTransport
import Testing

/// A client that nobody here wrote.
@Suite(.timeLimit(.minutes(1)), .serialized) struct OpenSSLClientTests {
  let ours = Certificates.ours

  /// Runs `openssl s_client`: for each step it types a line and waits until it reads a text, which may stand in
  /// the middle of what s_client prints meanwhile; the last line is the
  /// command on which s_client sends close_notify and ends.
  private func client(
    port: Int, _ steps: [(line: String, answer: String)], _ arguments: [String]
  ) async -> String {
    let options =
      ["s_client", "-connect", "127.0.0.1:\(port)", "-servername", "localhost", "-CAfile", ours.ca]
      + ["-verify_return_error"] + arguments
    return await withCheckedContinuation { continuation in
      // Pipes block, and so must not be read on the threads that tests share.
      Thread.detachNewThread { continuation.resume(returning: converse("openssl", options, steps, last: "Q")) }
    }
  }

  @Test("it is verified, agrees on ALPN and is echoed", arguments: [[], ["-tls1_2"], ["-tls1_3"]])
  func echo(version: [String]) async throws {
    try await withServer(ours.serverContext(alpn: ["x-stream/1"])) { port, atServer in
      let said = await client(
        port: port, [("a line to echo", "a line to echo\n")],
        version + ["-alpn", "x-stream/1", "-verify_hostname", "localhost"])
      #expect(said.contains("Verify return code: 0 (ok)"))
      #expect(said.contains("ALPN protocol: x-stream/1"))
      #expect(said.contains("a line to echo\n"))
      #expect(said.contains("GCM-SHA256") || said.contains("GCM_SHA256"))
      let end = await atServer.wait { $0.isInactive }
      #expect(end.text == "a line to echo\n")
      #expect(end.isInputClosed && end.errors.isEmpty)
      #expect(end.handshake?.protocolVersion == (version == ["-tls1_2"] ? "TLSv1.2" : "TLSv1.3"))
    }
  }

  @Test("it is shown the server's certificate alone, or with what the authorities for clients have behind it")
  func chain() async throws {
    for (clients, count) in [(TLSServerConfiguration.ClientCertificates.none, 1), (.optional(caFile: ours.ca), 2)] {
      try await withServer(ours.serverContext(clients: clients)) { port, _ in
        let said = await client(port: port, [], ["-showcerts"])
        #expect(said.contains("Verify return code: 0 (ok)"))
        #expect(said.components(separatedBy: "BEGIN CERTIFICATE").count - 1 == count)
      }
    }
  }

  @Test("with other ALPN names only it gets the alert; without any it is let in")
  func alpn() async throws {
    try await withServer(ours.serverContext(alpn: ["x-stream/1"])) { port, _ in
      #expect(await client(port: port, [], ["-alpn", "h2"]).contains("alert no application protocol"))
      let without = await client(port: port, [("hello", "hello\n")], [])
      #expect(without.contains("No ALPN negotiated") && without.contains("hello\n"))
    }
  }

  @Test("TLS 1.1 is refused, and TLS 1.2 by a modern server")
  func oldVersions() async throws {
    try await withServer(ours.serverContext(profile: .modern)) { port, _ in
      #expect(await client(port: port, [], ["-tls1_2"]).contains("alert protocol version"))
    }
    try await withServer(ours.serverContext()) { port, _ in
      let said = await client(port: port, [], ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"])
      #expect(said.contains("alert protocol version"))
    }
  }

  @Test("an attempt to renegotiate is refused", .timeLimit(.minutes(1)))
  func renegotiation() async throws {
    try await withServer(ours.serverContext()) { port, atServer in
      let said = await client(port: port, [("R", "no renegotiation")], ["-tls1_2"])
      #expect(said.contains("RENEGOTIATING"))
      #expect(said.contains("no renegotiation"))
      await atServer.wait { $0.isInactive }
    }
  }

  @Test("a key update is answered and the connection goes on")
  func keyUpdate() async throws {
    try await withServer(ours.serverContext()) { port, atServer in
      let said = await client(port: port, [("K", "KEYUPDATE"), ("a line after", "a line after\n")], ["-tls1_3"])
      #expect(said.contains("KEYUPDATE"))
      #expect(said.contains("a line after\n"))
      let end = await atServer.wait { $0.isInactive }
      #expect(end.text == "a line after\n" && end.errors.isEmpty)
    }
  }

  @Test(
    "a session with a client certificate is resumed and still has the certificate", arguments: ["-tls1_2", "-tls1_3"])
  func resumption(version: String) async throws {
    let path = ours.path("session\(version)")
    let context = try ours.serverContext(clients: .required(caFile: ours.clientsCA))
    let identity = ours.clientIdentity
    let shown = ["-cert", identity.certificateChainFile, "-key", identity.privateKeyFile, version]
    try await withServer(context) { port, atServer in
      _ = await client(port: port, [("first line", "first line\n")], shown + ["-sess_out", path])
      let end = await atServer.wait { $0.isInactive }
      #expect(end.handshake?.isResumed == false)
    }
    try await withServer(context) { port, atServer in
      let said = await client(port: port, [("second line", "second line\n")], shown + ["-sess_in", path])
      #expect(said.contains("Reused, TLSv1."))
      let end = await atServer.wait { $0.isInactive }
      #expect(end.text == "second line\n")
      #expect(end.handshake?.isResumed == true)
      #expect(end.handshake?.peerCertificate?.subject == "CN=development client,O=Sluice development")
    }
  }
}
