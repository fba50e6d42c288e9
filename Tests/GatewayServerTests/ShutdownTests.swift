import Foundation
import GatewayCore
import GatewayServer
import NIOCore
import Testing
import XStream
import XStreamClient

/// SIGTERM, and what its clients see of it.
@Suite(.timeLimit(.minutes(1))) struct ShutdownTests {
  @Test("an upload in its bytes gets status 15 with an exact LEFT, and goes on after the restart")
  func duringUpload() async throws {
    try await withGatewayProcess { gateway in
      let bytes = pattern(5 << 20)
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "\(5 << 20)", ack: 1)
      let key = try #require(await client.packet()?["x-stream-key"])
      // All of this has arrived when it is acknowledged, and stays unfinished.
      try await client.send(try #require(bytes.getSlice(at: 0, length: 3 << 20)))
      while let progress = await client.packet(), progress["x-stream-offset"] != "\(3 << 20)" {}
      try await client.send(try #require(bytes.getSlice(at: 3 << 20, length: 1000)))
      let idle = try await RawClient.connect(gateway.port)
      try await idle.send("headers:\n    route: /none\n    data-format: bytes\n    x-stream: 1:1\npayload: -\n")
      #expect(await idle.packet()?["status"] == "2")

      let clock = ContinuousClock()
      let start = clock.now
      gateway.program?.signal(SIGTERM)
      let answer = try #require(await client.answer()?.headers)
      #expect(answer["status"] == "15" && answer["x-stream-key"] == key)
      let left = try #require(answer["x-stream"]?.split(separator: ":").first.flatMap { Int($0) })
      #expect(((2 << 20) - 1000...2 << 20).contains(left))
      #expect(await client.end() == .closeNotify)
      #expect(await idle.end() == .closeNotify)
      client.channel.close(promise: nil)
      idle.channel.close(promise: nil)
      let end = try #require(await gateway.program?.wait())
      #expect(end.status == 0, "\(end.errors)")
      #expect(clock.now - start < .seconds(10))

      let records = try gateway.folder.expectSoundQuota(route: "/upload-file")
      #expect(records.map { Int($0.committed) } == [(5 << 20) - left])
      try await gateway.start()
      let outcome = try await UploadClient.test().upload(
        .bytes(bytes), to: gateway.url(), options: .quick { $0.resume = XStreamKey.point(key) })
      #expect(outcome.key.text == key && Int(outcome.resumedFrom) == (5 << 20) - left)
      #expect(try gateway.folder.stored(key) == bytes)
    }
  }

  @Test("what has arrived whole is still finished and answered")
  func wholeAlready() async throws {
    let backend = try await PipeBackend.start(holdsAnswers: true)
    var setup = GatewaySetup()
    setup.routes = "  /pipe: {pipe: {to: \"127.0.0.1:\(backend.port)\"}}\n"
    try await withGatewayProcess(setup) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "1000000", route: "/pipe")
      #expect(await client.packet()?["x-stream-key"] != nil)
      try await client.send(pattern(1_000_000))
      // The backend has the whole, and has not said so yet.
      #expect(await eventually { backend.connections.first?.endedInOrder == true })
      gateway.program?.signal(SIGTERM)
      #expect(await eventually { gateway.log.contains("Gateway is stopping") })
      backend.answer()
      let answer = try #require(await client.answer()?.headers)
      #expect(answer["status"] == "0")
      client.channel.close(promise: nil)
      #expect(await gateway.program?.wait().status == 0)
      #expect(backend.connections.map(\.bytes) == [pattern(1_000_000)])
      #expect(!gateway.log.contains("ERROR") && !gateway.log.contains(" error "), "\(gateway.log)")
    }
    try await backend.stop()
  }

  @Test("what a client left before is safe, and waits for it after the restart")
  func leftBefore() async throws {
    try await withGatewayProcess { gateway in
      let vanished = try await RawClient.connect(gateway.port)
      try await vanished.open(total: "1000000")
      let key = try #require(await vanished.packet()?["x-stream-key"])
      try await vanished.send(pattern(500_000))
      try await vanished.drop()
      #expect(await gateway.terminate()?.status == 0)
      try gateway.folder.expectSound(unfinished: 1)
      try await gateway.start()
      let outcome = try await UploadClient.test().upload(
        .bytes(pattern(1_000_000)), to: gateway.url(), options: .quick { $0.resume = XStreamKey.point(key) })
      #expect(outcome.key.text == key)
      #expect(try gateway.folder.stored(key) == pattern(1_000_000))
    }
  }

  @Test("clients in the handshake, in a head, or that do not read keep it no longer than its configured time")
  func stubbornClients() async throws {
    var setup = GatewaySetup()
    setup.timeouts = "shutdown: 1s"
    try await withGatewayProcess(setup) { gateway in
      let plain = try await RawClient.connect(gateway.port, usesTLS: false)
      try await plain.send("\u{16}\u{3}\u{1}")
      let head = try await RawClient.connect(gateway.port)
      try await head.send("headers:\n    rou")
      let deaf = try await RawClient.connect(gateway.port)
      try await deaf.open(total: "\(64 << 20)", ack: 1)
      #expect(await deaf.packet() != nil)
      try await deaf.reads(false)
      deaf.push(pattern(1 << 20))
      let chatty = try await RawClient.connect(gateway.port, hearsLittle: true)
      try await chatty.reads(false)
      chatty.push(ByteBuffer(string: String(repeating: idleQuestion, count: 3000)))
      // Everything has been answered, or is held back because nobody reads the answers.
      _ = try await settled { gateway.log.utf8.count }
      let clock = ContinuousClock()
      let start = clock.now
      let end = try #require(await gateway.terminate())
      #expect(end.status == 0, "\(end.errors)")
      #expect(clock.now - start < .seconds(4))
      for client in [plain, head, deaf, chatty] { client.channel.close(promise: nil) }
      try await gateway.start()
      try gateway.folder.expectSound(unfinished: 1)
    }
  }

  @Test("an upload that is being sent through a shutdown and a restart ends whole")
  func throughRestart() async throws {
    try await withGatewayProcess { gateway in
      let bytes = pattern(48 << 20)
      let events = UploadEvents()
      let (client, url) = (try UploadClient.test(), try gateway.url())
      async let outcome = client.upload(
        .bytes(bytes), to: url, options: .quick { $0.acknowledgeEvery = 1 << 20 }, onEvent: events.add)
      #expect(await eventually { (events.acknowledged.last ?? 0) > 0 })
      let end = try #require(await gateway.terminate())
      #expect(end.status == 0)
      try await gateway.start()
      #expect(try await gateway.folder.stored(outcome.key.text) == bytes)
      #expect(events.acknowledged == events.acknowledged.sorted())
      try gateway.folder.expectSound(unfinished: 0)
    }
  }
}
