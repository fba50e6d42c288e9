import Foundation
import Testing

/// `deploy/examples/send.sh`: the protocol by hand, over `openssl s_client`.
@Suite(.timeLimit(.minutes(1))) struct SendScriptTests {
  private func send(_ file: String, _ gateway: GatewayUnderTest, _ route: String, ca: String = TestCertificates.ours.ca)
    async throws -> Program.Result
  {
    try await Program.run(
      [
        "sh", RepositoryFile.url("deploy/examples/send.sh").path, file, "localhost:\(gateway.port)", route, "-CAfile",
        ca,
      ],
      in: gateway.folder)
  }

  @Test("a shell and openssl upload a file, byte for byte, whatever is in it", arguments: [0, 1, 3_000_001])
  func whole(size: Int) async throws {
    try await withGateway { gateway in
      // "Q" at a portion's begin is a command of s_client's, if it takes any.
      let bytes = Data("QRKB".utf8) + Data(pattern(size))
      let file = try gateway.folder.write("file", bytes.prefix(size))
      let result = try await send(file, gateway, "/upload-file")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("    x-stream: 0:0\n"))
      let key = try #require(gateway.folder.names(in: gateway.folder.uploads).first)
      #expect(try Data(gateway.folder.stored(key)) == bytes.prefix(size))
    }
  }

  @Test("its exit status is the server's; 75 without an answer")
  func exitStatus() async throws {
    try await withGateway { gateway in
      let file = try gateway.folder.write("file", "some bytes")
      let refused = try await send(file, gateway, "/none")
      #expect(refused.status == 2)
      #expect(refused.output.contains("reason: no such route"))
      let untrusted = try await send(file, gateway, "/upload-file", ca: TestCertificates.strangers.ca)
      #expect(untrusted.status == 75)
      #expect(untrusted.errors.contains("certificate verify failed"))
      try await gateway.expectAtRest()
    }
  }

  /// The script that the README shows.
  private func readmeScript(in folder: GatewayFolder) throws -> String {
    let text = try String(contentsOf: RepositoryFile.url("README.md"), encoding: .utf8)
    let start = try #require(text.range(of: "```bash\n"))
    let end = try #require(text[start.upperBound...].range(of: "```"))
    return try folder.write("readme.sh", String(text[start.upperBound..<end.lowerBound]), mode: 0o755)
  }

  @Test("the README's script uploads a file, and wants the server that it was told", arguments: [true, false])
  func readme(isTheServer: Bool) async throws {
    try await withGateway { gateway in
      let file = try gateway.folder.write("file", Data(pattern(300_001)))
      // The same server, under what is none of the names in its certificate.
      let host = isTheServer ? "localhost" : "127.0.0.1"
      let result = try await Program.run(
        [
          "bash", try readmeScript(in: gateway.folder), file, "\(host):\(gateway.port)", "/upload-file",
          TestCertificates.ours.ca,
        ], in: gateway.folder)
      #expect((result.status == 0) == isTheServer, "\(result.errors)")
      if isTheServer {
        let key = try #require(gateway.folder.names(in: gateway.folder.uploads).first)
        #expect(try gateway.folder.stored(key) == pattern(300_001))
      }
      try await gateway.expectAtRest()
    }
  }

  @Test("at a wrong port both scripts end soon, with words")
  func wrongPort() async throws {
    try await withGateway { gateway in
      let file = try gateway.folder.write("file", "some bytes")
      let readme = try await Program.run(
        ["bash", try readmeScript(in: gateway.folder), file, "localhost:1", "/upload-file", TestCertificates.ours.ca],
        in: gateway.folder)
      #expect(readme.status == 1 && readme.errors.contains("localhost:1"), "\(readme.errors)")
      let script = RepositoryFile.url("deploy/examples/send.sh").path
      let send = try await Program.run(
        ["sh", script, file, "localhost:1", "/upload-file", "-CAfile", TestCertificates.ours.ca], in: gateway.folder)
      #expect(send.status == 75 && send.errors.contains("localhost:1"), "\(send.errors)")
    }
  }
}
