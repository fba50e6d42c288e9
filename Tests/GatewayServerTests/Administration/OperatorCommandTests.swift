import Foundation
import NIOCore
import Testing
import XStream
import XStreamClient

@testable import GatewayServer

/// `sluice health`, `top`, `drop` and `drain`, as other processes beside a gateway.
@Suite(.timeLimit(.minutes(1))) struct OperatorCommandTests {
  @Test("an operator sees that a gateway lives and what is open there, drops an unfinished upload, and has it stop")
  func operates() async throws {
    let folder = try GatewayFolder()
    var setup = GatewaySetup()
    setup.more = "admin: {listen: 'unix:\(folder.path)/admin.sock'}"
    setup.routes = GatewaySetup.plainRoute("client-limits: {held: 4 MiB}")
    try await withGatewayProcess(setup, in: folder) { gateway in
      let config = folder.path + "/sluice.yaml"
      func operated(_ command: [String]) async throws -> Program.Result {
        try await sluice(command + ["--config", config], in: folder)
      }
      let ready = try await operated(["health", "--ready"])
      #expect(ready.status == 0 && ready.output == "ok\n", "\(ready.errors)")
      let open = await failure {
        try await UploadClient.test().upload(.bytes(pattern(8 << 20)), to: gateway.url(), options: .once)
      }
      let key = try #require(open?.resumePoint).key.text
      let top = try await operated(["top"])
      #expect(top.status == 0 && top.output.contains("/upload-file") && top.output.contains("4.0 MiB"), "\(top.output)")
      let unknown = try await operated(["drop", "nothing-like-it"])
      #expect(unknown.status == 1 && unknown.errors.contains("no unfinished upload"), "\(unknown.errors)")
      let drop = try await operated(["drop", String(key.prefix(12))])
      #expect(drop.status == 0, "\(drop.errors)")
      let left = try await operated(["uploads", "--json"])
      #expect(!left.output.contains(key))
      let drain = try await operated(["drain"])
      #expect(drain.status == 0, "\(drain.errors)")
    }
  }

  @Test("a gateway that does not run, and a configuration without an admin listener, are told in words")
  func absent() async throws {
    let folder = try GatewayFolder()
    var setup = GatewaySetup()
    let without = try folder.write("without.yaml", setup.yaml)
    let none = try await sluice(["health", "--config", without], in: folder)
    #expect(none.status == 1 && none.errors.contains("has no admin listener"), "\(none.errors)")
    setup.more = "admin: {listen: 'unix:\(folder.path)/admin.sock'}"
    let config = try folder.write("with.yaml", setup.yaml)
    let silent = try await sluice(["health", "--config", config], in: folder)
    #expect(silent.status == 1 && silent.errors.contains("is the gateway running?"), "\(silent.errors)")
  }
}
