import Foundation
import GatewayCore
import NIOCore
import Testing
import XStream
import XStreamClient

/// SIGTERM where what is under way has time to end.
@Suite(.timeLimit(.minutes(1))) struct DrainTests {
  private static func setup(drain: String) -> GatewaySetup {
    var setup = GatewaySetup()
    setup.timeouts = "drain: \(drain), shutdown: 5s"
    return setup
  }

  @Test("an upload goes on to its end, while nobody else gets in and connections at rest are closed")
  func finishes() async throws {
    try await withGatewayProcess(Self.setup(drain: "30s")) { gateway in
      let bytes = pattern(3 << 20)
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "\(3 << 20)")
      let key = try #require(await client.packet()?["x-stream-key"])
      try await client.send(try #require(bytes.getSlice(at: 0, length: 1 << 20)))
      let resting = try await RawClient.connect(gateway.port)
      try await resting.send(idleQuestion)
      #expect(await resting.packet()?["status"] == "2")

      gateway.program?.signal(SIGTERM)
      #expect(await resting.end() == .closeNotify)
      let late = try? await RawClient.connect(gateway.port)
      #expect(late == nil)
      try await client.send(try #require(bytes.getSlice(at: 1 << 20, length: 2 << 20)))
      #expect(await client.answer()?.headers["status"] == "0")
      #expect(await client.end() == .closeNotify)
      client.channel.close(promise: nil)
      resting.channel.close(promise: nil)
      let end = try #require(await gateway.program?.wait())
      #expect(end.status == 0, "\(end.errors)")
      #expect(try gateway.folder.stored(key) == bytes)
      #expect(!gateway.log.contains("What is under way is suspended"))
    }
  }

  @Test("at the deadline what is left is made safe, and status 15 says how much that is")
  func deadline() async throws {
    try await withGatewayProcess(Self.setup(drain: "700ms")) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "1000000", ack: 1)
      #expect(await client.packet()?["x-stream-key"] != nil)
      try await client.send(pattern(400_000))
      while let progress = await client.packet(), progress["x-stream-offset"] != "400000" {}
      let start = ContinuousClock.now
      gateway.program?.signal(SIGTERM)
      let answer = try #require(await client.answer()?.headers)
      #expect(answer["status"] == "15" && answer["x-stream"] == "600000:0")
      #expect(ContinuousClock.now - start >= .milliseconds(700))
      client.channel.close(promise: nil)
      #expect(await gateway.program?.wait().status == 0)
      let records = try gateway.folder.expectSoundQuota(route: "/upload-file")
      #expect(records.map(\.committed) == [400_000])
    }
  }

  @Test("a client that has only just connected still gets its first request served, and no second one")
  func justConnected() async throws {
    try await withGatewayProcess(Self.setup(drain: "30s")) { gateway in
      let client = try await RawClient.connect(gateway.port)
      gateway.program?.signal(SIGTERM)
      #expect(await eventually { gateway.log.contains("Gateway is stopping") })
      try await client.open(total: "1000")
      #expect(await client.packet()?["x-stream-key"] != nil)
      try await client.send(pattern(1000))
      #expect(await client.answer()?.headers["status"] == "0")
      #expect(await client.end() == .closeNotify)
      client.channel.close(promise: nil)
      #expect(await gateway.program?.wait().status == 0)
    }
  }

  @Test("a client that has connected and asks nothing does not hold it up for long")
  func asksNothing() async throws {
    try await withGatewayProcess(Self.setup(drain: "30s")) { gateway in
      let plain = try await RawClient.connect(gateway.port, usesTLS: false)
      let silent = try await RawClient.connect(gateway.port)
      let start = ContinuousClock.now
      #expect(await gateway.terminate()?.status == 0)
      #expect(ContinuousClock.now - start < .seconds(10))
      for client in [plain, silent] { client.channel.close(promise: nil) }
    }
  }

  @Test("a second SIGTERM ends it at once, names what is left, and loses nothing that was acknowledged")
  func secondSignal() async throws {
    try await withGatewayProcess(Self.setup(drain: "1h")) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "1000000", ack: 1)
      let key = try #require(await client.packet()?["x-stream-key"])
      try await client.send(pattern(300_000))
      while let progress = await client.packet(), progress["x-stream-offset"] != "300000" {}
      gateway.program?.signal(SIGTERM)
      #expect(await eventually { gateway.log.contains("Gateway is stopping") })
      let start = ContinuousClock.now
      gateway.program?.signal(SIGTERM)
      let end = try #require(await gateway.program?.wait())
      #expect(end.status == 1)
      #expect(ContinuousClock.now - start < .seconds(5))
      let words = end.errors.split(separator: "\n").first { $0.contains("Gateway ends at once") }
      #expect(words?.contains("uploads=1") == true && words?.contains("left=") == true, "\(end.errors)")
      #expect(words?.contains(key) == false)
      client.channel.close(promise: nil)
      try await gateway.start()
      let outcome = try await UploadClient.test().upload(
        .bytes(pattern(1_000_000)), to: gateway.url(), options: .quick { $0.resume = XStreamKey.point(key) })
      #expect(outcome.resumedFrom == 300_000)
    }
  }
}
