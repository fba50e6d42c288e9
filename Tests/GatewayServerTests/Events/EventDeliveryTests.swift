import Foundation
import GatewayCore
import Ledgers
import NIOCore
import Testing
import XStream
import XStreamClient

@testable import GatewayServer

/// Events of a running gateway, to a command that writes down what it is told.
@Suite(.timeLimit(.minutes(1))) struct EventDeliveryTests {
  private let folder: GatewayFolder

  init() throws {
    folder = try GatewayFolder()
    // A folder for each delivery that is under way keeps their words apart.
    try folder.write(
      "hook",
      """
      #!/bin/sh
      [ -e \(folder.path)/refuses ] && { echo 'not now' >&2; exit 7; }
      printf '%s %s %s\\n' "$SLUICE_ID" "$SLUICE_TYPE" "$(cat)" >> \(folder.path)/told
      """, mode: 0o755)
  }

  private func setup(_ more: String = "") -> GatewaySetup {
    GatewaySetup(more: "events: {there: {command: [\(folder.path)/hook], at-once: 1\(more)}}")
  }

  private var told: [String] {
    let text = (try? String(contentsOfFile: folder.path + "/told", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  private func waiting() throws -> [EventRecord] { try LedgerReader(path: folder.ledger).events(EventSelection()) }

  private func refuse(_ refuses: Bool) throws {
    if refuses {
      try folder.write("refuses", "")
    } else {
      try FileManager.default.removeItem(atPath: folder.path + "/refuses")
    }
  }

  @Test("each upload is told of, in order, with its path, and nothing waits afterwards") func tells() async throws {
    try await withGateway(setup(", when: [begun, completed]"), in: folder) { gateway in
      let client = try UploadClient.test()
      let first = try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      let second = try await client.upload(.bytes(pattern(2000)), to: gateway.url(), options: .quick())
      #expect(await eventually { told.count == 4 })
      for key in [first.key.text, second.key.text] {
        let own = told.filter { $0.contains(key) }
        #expect(own.map { $0.split(separator: " ")[1] } == ["sluice.upload.begun", "sluice.upload.completed"])
      }
      let last = try #require(told.last { $0.contains(second.key.text) })
      let json = try #require(last.split(separator: " ", maxSplits: 2).last)
      let event = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
      let data = try #require(event["data"] as? [String: Any])
      #expect(event["specversion"] as? String == "1.0")
      #expect(event["id"] as? String == "\(second.key.text.prefix(12))-completed")
      #expect(data["path"] as? String == folder.uploads + "/" + second.key.text)
      #expect(data["safe"] as? Int == 2000 && data["total"] as? Int == 2000)
      #expect(await eventually { (try? waiting().isEmpty) ?? false })
    }
  }

  @Test("what nobody took is delivered after a restart, and a dead letter once somebody asks for it")
  func survives() async throws {
    try refuse(true)
    let config = try folder.write("sluice.yaml", setup(", tries: 2").yaml)
    let key = try await withGateway(setup(", tries: 2"), in: folder) { gateway in
      let outcome = try await UploadClient.test().upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      #expect(await eventually { (try? waiting().first?.event.tries == 1) ?? false })
      return outcome.key.text
    }
    #expect(try waiting().first?.reason == "the command ended with status 7: not now")
    try await withGateway(setup(", tries: 2"), in: folder) { gateway in
      #expect(await eventually { (try? waiting().first?.deadAt != nil) ?? false })
      #expect(gateway.log.text.contains("Event is a dead letter"))
      let listed = try await sluice(["events", "list", "--dead", "--config", config], in: folder)
      #expect(listed.output.contains("\(key.prefix(12))-completed") && listed.output.contains("dead"), "\(listed)")
      let none = try await sluice(["events", "retry", "nothing", "--config", config], in: folder)
      #expect(none.status == 1 && none.errors.contains("no such dead letter"))
      #expect(told.isEmpty)
      try refuse(false)
      let again = try await sluice(["events", "retry", "--all", "--config", config], in: folder)
      #expect(again.status == 0 && again.output.contains("1 event"), "\(again)")
      #expect(await eventually { told.count == 1 })
      #expect(told.first?.contains(key) ?? false)
    }
  }

  @Test("a reload adds a target, changes what one hears, and takes one away") func reloads() async throws {
    try await withGateway(GatewaySetup(), in: folder) { gateway in
      let client = try UploadClient.test()
      _ = try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      var reloaded = setup()
      reloaded.port = gateway.port
      _ = try await gateway.running.reload(try reloaded.configuration(in: folder))
      let heard = try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      #expect(await eventually { told.count == 1 })
      #expect(told.first?.contains(heard.key.text) ?? false)
      var silent = GatewaySetup()
      silent.port = gateway.port
      _ = try await gateway.running.reload(try silent.configuration(in: folder))
      _ = try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      #expect(try waiting().isEmpty && told.count == 1)
    }
  }
}
