import Foundation
import NIOCore
import Testing
import XStreamClient

@testable import GatewayServer

/// What an operator sees of a gateway, and what he can do from there.
@Suite(.timeLimit(.minutes(1))) struct LivePageTests {
  private static let own = ["-X", "POST", "-H", "X-Sluice-Operator: 1"]

  private func state(_ gateway: GatewayUnderTest) async throws -> [String: Any] {
    let answer = try await AdminQuestion.ask(gateway, "/api/state")
    #expect(answer.status == 200)
    return try #require(JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any], "\(answer.body)")
  }

  @Test("an open upload is shown with its progress and client, and dropped by a word; its key is shown nowhere")
  func drop() async throws {
    try await withGateway(.administered) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "20", ack: 1)
      let key = try #require(await client.packet()?["x-stream-key"])
      try await client.send("0123456789")
      #expect(await client.packet()?["x-stream-offset"] == "10")
      let shown = try await state(gateway)
      let upload = try #require((shown["uploads"] as? [[String: Any]])?.first)
      let label = String(key.prefix(12))
      #expect(upload["upload"] as? String == label && upload["client"] as? String == "address:127.0.0.1")
      #expect(
        upload["at"] as? Int == 10 && upload["total"] as? Int == 20 && upload["route"] as? String == "/upload-file")
      #expect(!"\(shown)".contains(key))
      let path = "/api/uploads/\(label)/drop"
      // A page of somebody else's cannot say the field.
      #expect(try await AdminQuestion.ask(gateway, path, ["-X", "POST"]).status == 403)
      #expect(try await AdminQuestion.ask(gateway, "/api/uploads/none/drop", Self.own).status == 404)
      #expect(try await AdminQuestion.ask(gateway, path, Self.own).status == 200)
      #expect(try await AdminQuestion.ask(gateway, path, Self.own).status == 404)
      _ = await client.answer()
      client.channel.close(promise: nil)
      #expect(await eventually { gateway.attached == 0 })
      #expect((try await state(gateway)["uploads"] as? [Any])?.isEmpty == true)
      try await gateway.expectAtRest()
    }
  }

  @Test("who was refused last is told in words, with the route")
  func refusals() async throws {
    var setup = GatewaySetup.administered
    setup.routes = GatewaySetup.plainRoute("limits: {upload: 1 MiB}")
    try await withGateway(setup) { gateway in
      _ = await failure {
        try await UploadClient.test().upload(.bytes(pattern(2 << 20)), to: gateway.url(), options: .once)
      }
      let refusal = try #require((try await state(gateway)["refusals"] as? [[String: Any]])?.first)
      #expect(refusal["reason"] as? String == "above the limit of 1048576 bytes")
      #expect(refusal["route"] as? String == "/upload-file" && refusal["client"] as? String == "address:127.0.0.1")
    }
  }

  @Test("the page runs its own script and style alone")
  func page() async throws {
    try await withGateway(.administered) { gateway in
      let answer = try await AdminQuestion.ask(gateway, "/", ["-D", "-"])
      #expect(answer.status == 200 && answer.body.contains("<title>Sluice</title>"))
      let policy = try #require(answer.body.firstRange(of: /Content-Security-Policy: (.*)/).map { answer.body[$0] })
      #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"))
      #expect(!policy.contains("unsafe"))
      let outside = LivePage.html.matches(of: /(src|href|url)\s*=?\s*["'(]?(https?:)?\/\//)
      #expect(outside.isEmpty)
    }
  }

  @Test("an operator's word drains a gateway as a signal does")
  func drain() async throws {
    let folder = try GatewayFolder()
    var setup = GatewaySetup()
    setup.more = "admin: {listen: 'unix:\(folder.path)/admin.sock'}"
    try await withGatewayProcess(setup, in: folder) { gateway in
      _ = try await UploadClient.test().upload(.bytes(pattern(1000)), to: gateway.url(), options: .once)
      let said = try await Program.run(
        ["curl", "-s", "--unix-socket", folder.path + "/admin.sock", "http://localhost/api/drain"] + Self.own,
        in: folder)
      #expect(said.output.contains("stops"), "\(said)")
      let result = try #require(await gateway.program?.wait())
      #expect(result.status == 0 && result.errors.contains("Gateway has stopped"), "\(result.errors)")
    }
  }
}
