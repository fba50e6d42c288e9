import Foundation
import GatewayCore
import NIOCore
import Testing
import XStream
import XStreamClient

@testable import GatewayServer

/// A process that takes over from the one that runs.
@Suite(.timeLimit(.minutes(1))) struct TakeOverTests {
  private static var setup: GatewaySetup {
    var setup = GatewaySetup()
    setup.timeouts = "drain: 20s, shutdown: 5s"
    return setup
  }

  private static func takeOver(_ gateway: GatewayProcess) throws -> Program {
    try Program(
      [SluiceBinary.path, "serve", "--take-over", "--config", gateway.folder.path + "/sluice.yaml"], in: gateway.folder)
  }

  @Test("what is under way ends in the process before, and what is new is the new one's")
  func takesOver() async throws {
    try await withGatewayProcess(Self.setup) { gateway in
      let bytes = pattern(3 << 20)
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "\(3 << 20)")
      let key = try #require(await client.packet()?["x-stream-key"])
      try await client.send(try #require(bytes.getSlice(at: 0, length: 1 << 20)))

      let new = try Self.takeOver(gateway)
      #expect(await eventually { new.output.contains("sluice listens on") || !new.isRunning }, "\(new.errors)")
      let outcome = try await UploadClient.test().upload(.bytes(pattern(5000)), to: gateway.url(), options: .once)
      #expect(try gateway.folder.stored(outcome.key.text) == pattern(5000))
      #expect(gateway.program?.isRunning == true)

      try await client.send(try #require(bytes.getSlice(at: 1 << 20, length: 2 << 20)))
      #expect(await client.answer()?.headers["status"] == "0")
      client.channel.close(promise: nil)
      #expect(await gateway.program?.wait().status == 0, "\(gateway.log)")
      #expect(try gateway.folder.stored(key) == bytes)
      #expect(!gateway.log.contains("ERROR") && !gateway.log.contains(" error "), "\(gateway.log)")

      new.signal(SIGTERM)
      let end = await new.wait()
      #expect(end.status == 0 && !end.errors.contains(" error "), "\(end.errors)")
      try gateway.folder.expectSound(unfinished: 0)
    }
  }

  @Test("who comes back at the new process goes on from all that the one before had, which lets go first")
  func comesBack() async throws {
    try await withGatewayProcess(Self.setup) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "1000000", ack: 1)
      let key = try #require(await client.packet()?["x-stream-key"])
      try await client.send(pattern(600_000))
      while let progress = await client.packet(), progress["x-stream-offset"] != "600000" {}
      let new = try Self.takeOver(gateway)
      #expect(await eventually { new.output.contains("sluice listens on") || !new.isRunning }, "\(new.errors)")
      let outcome = try await UploadClient.test().upload(
        .bytes(pattern(1_000_000)), to: gateway.url(), options: .quick { $0.resume = XStreamKey.point(key) })
      #expect(outcome.key.text == key && outcome.resumedFrom == 600_000)
      client.channel.close(promise: nil)
      #expect(await gateway.program?.wait().status == 0)
      new.signal(SIGTERM)
      #expect(await new.wait().status == 0)
      try gateway.folder.expectSound(unfinished: 0)
    }
  }

  @Test("one that cannot start leaves the running one as it is")
  func cannotStart() async throws {
    try await withGatewayProcess(Self.setup) { gateway in
      var setup = Self.setup
      setup.certificate = (TestCertificates.ours.server, TestCertificates.strangers.serverKey)
      try gateway.configure(setup)
      let new = try Self.takeOver(gateway)
      #expect(await new.wait().status == 1)
      _ = try await UploadClient.test().upload(.bytes(pattern(10)), to: gateway.url(), options: .once)
    }
  }

  @Test("where none runs it starts by itself")
  func noneRuns() async throws {
    try await withGatewayProcess(Self.setup) { gateway in
      await gateway.kill()
      let new = try Self.takeOver(gateway)
      #expect(await eventually { new.output.contains("sluice listens on") || !new.isRunning }, "\(new.errors)")
      _ = try await UploadClient.test().upload(.bytes(pattern(10)), to: gateway.url(), options: .once)
      new.signal(SIGTERM)
      #expect(await new.wait().status == 0)
    }
  }

  @Test("what two processes say to each other arrives as it was")
  func messages() throws {
    let key = UploadKey.mint()
    let facts = UploadFacts(
      key: key, route: "/r", owner: "o", format: .json, label: "naïve", metadata: ["a": "b"],
      digest: ContentDigest(bytes: [UInt8](repeating: 7, count: 32)), total: nil,
      createdAt: WallTime(milliseconds: 5), role: .final(of: [key]))
    let lease = Lease(facts: facts, epoch: 3, committed: 4, granted: 5, storeState: "s")
    let data = try JSONEncoder().encode(HandOverMessage.answer(id: 9, .lease(lease)))
    guard case .answer(9, .lease(let found)) = try JSONDecoder().decode(HandOverMessage.self, from: data) else {
      Issue.record("another message")
      return
    }
    #expect(found == lease)
    let failed = try JSONEncoder().encode(LedgerReply.failed(.quota(available: 3)))
    guard case .failed(.quota(3, [])) = try JSONDecoder().decode(LedgerReply.self, from: failed) else {
      Issue.record("another failure")
      return
    }
  }
}
