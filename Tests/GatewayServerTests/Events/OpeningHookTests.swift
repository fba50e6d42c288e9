import Foundation
import GatewayCore
import Ledgers
import NIOCore
import Testing
import XStream
import XStreamClient

@testable import GatewayServer

/// `on-open` of a running gateway, by a command that answers what the test wrote.
@Suite(.timeLimit(.minutes(1))) struct OpeningHookTests {
  private let folder: GatewayFolder

  init() throws {
    folder = try GatewayFolder()
    try folder.write(
      "judge", "#!/bin/sh\ncat > \(folder.path)/asked\n. \(folder.path)/behaviour\n", mode: 0o755)
  }

  private func behave(_ script: String) throws { try folder.write("behaviour", script + "\n") }

  private func setup(_ more: String = "") -> GatewaySetup {
    GatewaySetup(
      routes: GatewaySetup.plainRoute(
        "client-limits: {held: 1 MiB}, on-open: {command: [\(folder.path)/judge], time-limit: 2s\(more)}"))
  }

  @Test("an upload that is not wanted costs its client one packet, and nothing is kept of it") func refuses()
    async throws
  {
    try behave(#"echo '{"allow": false}'"#)
    try await withGateway(setup(), in: folder) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "1000")
      #expect(await client.packet()?["status"] == "5")
      // The connection is good for another one.
      try behave(#"echo '{"allow": false, "retry-after": 7}'"#)
      try await client.open(total: "1000")
      let busy = await client.packet()
      #expect(busy?["status"] == "8" && busy?["retry-after"] == "7", "\(busy ?? [:])")
      try behave("")
      try await client.open(total: "1000")
      #expect(await client.packet()?["x-stream-key"] != nil)
      #expect(try LedgerReader(path: folder.ledger).uploads().count == 1)
      let asked = try Data(contentsOf: URL(filePath: folder.path + "/asked"))
      let event = try #require(try JSONSerialization.jsonObject(with: asked) as? [String: Any])
      let data = try #require(event["data"] as? [String: Any])
      #expect(event["type"] as? String == "sluice.upload.opening")
      #expect(data["total"] as? Int == 1000 && data["address"] as? String == "127.0.0.1" && data["key"] == nil)
    }
  }

  @Test("an upload is renamed, counts against another client, and goes to the folder that is said") func wishes()
    async throws
  {
    try behave(#"echo '{"name": "report.txt", "client": "team-a", "folder": "2026/november"}'"#)
    try await withGateway(setup(), in: folder) { gateway in
      let outcome = try await UploadClient.test().upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      let file = folder.uploads + "/2026/november/" + outcome.key.text
      #expect(try Data(contentsOf: URL(filePath: file)).count == 1000)
      let reader = try LedgerReader(path: folder.ledger)
      let facts = try #require(try reader.uploads().first?.facts)
      #expect(facts.label == "report.txt" && facts.subject == "named:team-a")
      #expect(try reader.quotas().map(\.subject) == ["", "named:team-a"])
      #expect(try reader.quotas().allSatisfy { $0.used == 1000 })
    }
  }

  @Test(
    "where there is no answer, `fail` decides",
    arguments: [
      "exit 1", "sleep 30", "echo '{\"folder\": \"../elsewhere\"}'", "echo no JSON", "echo '{\"client\": \"a b\"}'",
    ])
  func fails(script: String) async throws {
    try behave(script)
    try await withGateway(setup(), in: folder) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "1000")
      #expect(await client.packet()?["status"] == "12")
      #expect(gateway.log.text.contains("Nobody answered `on-open`"))
    }
    try await withGateway(setup(", fail: open"), in: folder) { gateway in
      let outcome = try await UploadClient.test().upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      #expect(try folder.stored(outcome.key.text) == pattern(1000))
    }
  }

  @Test(
    "what is answered is read for what it is, and nothing leads out of the store",
    arguments: [
      (#"{"folder": "a/b"}"#, true), (#"{"folder": ""}"#, true), (#"{"folder": "/a"}"#, false),
      (#"{"folder": "a/"}"#, false), (#"{"folder": "a/../b"}"#, false), (#"{"folder": ".partial"}"#, false),
      (#"{"folder": "a/b/c/d/e"}"#, false), (#"{"folder": "a\u0000b"}"#, false), (#"{"name": ""}"#, false),
      (#"{"allow": true, "more": 1}"#, true), (#"{"allow": "no"}"#, false), ("[]", false), (" \n", true),
    ])
  func answers(_ example: (text: String, isGood: Bool)) {
    do throws(OpeningAnswer.Fault) {
      _ = try OpeningAnswer(Array(example.text.utf8)).wish()
      #expect(example.isGood)
    } catch {
      #expect(!example.isGood, "\(error)")
    }
  }
}
