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
}
