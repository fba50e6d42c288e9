import Foundation
import GatewayServer
import NIOCore
import Testing

/// What every front owes its clients, whatever its wire looks like.
@Suite(.timeLimit(.minutes(2))) struct FrontContractTests {
  private let route = "/upload-file"

  @Test("an upload is answered as done when it is stored whole", arguments: FrontUnderTest.all)
  func whole(front: FrontUnderTest) async throws {
    try await withGateway(frontSet: .every) { gateway in
      let client = try await connect(front, gateway)
      let bytes = pattern(3_000_000)
      let key = try await offered(front, client, 3_000_000)
      try await client.send(bytes)
      #expect(await front.answer(client, total: 3_000_000).word == .done)
      #expect(try gateway.folder.stored(key) == bytes)
      client.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test("one upload after another goes over one connection", arguments: FrontUnderTest.all)
  func several(front: FrontUnderTest) async throws {
    try await withGateway(frontSet: .every) { gateway in
      let client = try await connect(front, gateway)
      for size in [1, 70_000, 500_000] {
        let key = try await offered(front, client, size)
        try await client.send(pattern(size))
        #expect(await front.answer(client, total: size).word == .done)
        #expect(try gateway.folder.stored(key) == pattern(size))
      }
      client.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test("after a lost connection an upload goes on where what is safe ends", arguments: FrontUnderTest.all)
  func resumed(front: FrontUnderTest) async throws {
    try await withGateway(frontSet: .every) { gateway in
      let bytes = pattern(5 << 20)
      let first = try await connect(front, gateway)
      let key = try await offered(front, first, 5 << 20)
      try await first.send(try #require(bytes.getSlice(at: 0, length: 3 << 20)))
      try await wait(for: 3 << 20, front, first, 5 << 20)
      try await first.drop()
      let second = try await connect(front, gateway)
      try await second.send(front.status(route, key, 5 << 20))
      #expect(await front.answer(second, total: 5 << 20).word == .stopped(at: 3 << 20, isFinal: false))
      try await second.send(front.resume(route, key, 5 << 20))
      #expect(await front.answer(second, total: 5 << 20).word == .offer(key: key, offset: 3 << 20, end: 5 << 20))
      try await second.send(try #require(bytes.getSlice(at: 3 << 20, length: 2 << 20)))
      #expect(await front.answer(second, total: 5 << 20).word == .done)
      #expect(try gateway.folder.stored(key) == bytes)
      second.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test("a newer connection takes an upload over, and the older one hears so", arguments: FrontUnderTest.all)
  func takenOver(front: FrontUnderTest) async throws {
    try await withGateway(frontSet: .every) { gateway in
      let bytes = pattern(4 << 20)
      let older = try await connect(front, gateway)
      let key = try await offered(front, older, 4 << 20)
      try await older.send(try #require(bytes.getSlice(at: 0, length: 1 << 20)))
      try await wait(for: 1 << 20, front, older, 4 << 20)
      let newer = try await connect(front, gateway)
      try await newer.send(front.resume(route, key, 4 << 20))
      #expect(
        await front.answer(older, total: 4 << 20).word
          == .stopped(at: front.tellsWhereStopped ? 1 << 20 : nil, isFinal: true))
      #expect(await front.answer(newer, total: 4 << 20).word == .offer(key: key, offset: 1 << 20, end: 4 << 20))
      try await newer.send(try #require(bytes.getSlice(at: 1 << 20, length: 3 << 20)))
      #expect(await front.answer(newer, total: 4 << 20).word == .done)
      #expect(try gateway.folder.stored(key) == bytes)
      for client in [older, newer] { client.channel.close(promise: nil) }
      try await gateway.expectAtRest()
    }
  }

  @Test(
    "a gateway that goes away says what is safe, and the next one goes on from there", arguments: FrontUnderTest.all)
  func stopped(front: FrontUnderTest) async throws {
    let folder = try GatewayFolder()
    let bytes = pattern(2 << 20)
    let (key, told) = try await stopInTheMiddle(of: bytes, front, folder)
    try await withGateway(in: folder, frontSet: .every) { gateway in
      let client = try await connect(front, gateway)
      try await client.send(front.resume(route, key, 2 << 20))
      guard case .offer(key, let offset, end: 2 << 20)? = await front.answer(client, total: 2 << 20).word else {
        throw NotOffered()
      }
      if let told { #expect(offset == told) }
      try await client.send(try #require(bytes.getSlice(at: offset, length: bytes.readableBytes - offset)))
      #expect(await front.answer(client, total: 2 << 20).word == .done)
      #expect(try folder.stored(key) == bytes)
      client.channel.close(promise: nil)
    }
  }

  /// - Returns: the upload's key, and what the client was told to be safe, where its protocol tells that.
  private func stopInTheMiddle(
    of bytes: ByteBuffer, _ front: FrontUnderTest, _ folder: GatewayFolder
  ) async throws -> (key: String, told: Int?) {
    let log = CapturedLog()
    let running = try await RunningGateway.start(
      GatewaySetup().configuration(in: folder), logger: log.logger, frontSet: .every)
    let gateway = GatewayUnderTest(running: running, folder: folder, log: log)
    let client = try await connect(front, gateway)
    let key = try await offered(front, client, bytes.readableBytes)
    try await client.send(try #require(bytes.getSlice(at: 0, length: 1_200_000)))
    #expect(await eventually { gateway.bytesInMemory == 0 && log.lines("Upload offered").count == 1 })
    async let stop: Void = running.stop()
    let word = await front.answer(client, total: bytes.readableBytes).word
    client.channel.close(promise: nil)
    await stop
    guard case .stopped(let offset, isFinal: false)? = word, (offset != nil) == front.tellsWhereStopped else {
      throw NotTold()
    }
    return (key, offset)
  }

  @Test("a client that is silent in its bytes is told what is safe and let go", arguments: FrontUnderTest.all)
  func silent(front: FrontUnderTest) async throws {
    var setup = GatewaySetup()
    setup.timeouts = "silence: 300ms"
    try await withGateway(setup, frontSet: .every) { gateway in
      let client = try await connect(front, gateway)
      _ = try await offered(front, client, 1_000_000)
      try await client.send(pattern(1000))
      #expect(
        await front.answer(client, total: 1_000_000).word
          == .stopped(at: front.tellsWhereStopped ? 1000 : nil, isFinal: false))
      _ = await client.end()
      client.channel.close(promise: nil)
      try await gateway.expectAtRest(unfinished: 1)
    }
  }

  @Test("a part that was offered is made safe, and the client hears how much", arguments: FrontUnderTest.all)
  func part(front: FrontUnderTest) async throws {
    var setup = GatewaySetup()
    setup.routes = GatewaySetup.plainRoute("limits: {held: 200000, upload: 150000}")
    try await withGateway(setup, frontSet: .every) { gateway in
      let other = try await connect(front, gateway)
      _ = try await offered(front, other, 100_000)
      let client = try await connect(front, gateway)
      try await client.send(front.open(route, 150_000))
      guard front.offersParts else {
        return #expect(await front.answer(client, total: 150_000).word == .refused)
      }
      guard case .offer(_, offset: 0, end: 100_000)? = await front.answer(client, total: 150_000).word else {
        Issue.record("not a part was offered")
        return
      }
      try await client.send(pattern(100_000))
      #expect(await front.answer(client, total: 150_000).word == .stopped(at: 100_000, isFinal: false))
      for client in [client, other] { client.channel.close(promise: nil) }
    }
  }

  @Test("what no route knows is refused, and the connection stays of use", arguments: FrontUnderTest.all)
  func refused(front: FrontUnderTest) async throws {
    try await withGateway(frontSet: .every) { gateway in
      let client = try await connect(front, gateway)
      let stranger = "0123456789abcdefghij"
      try await client.send(front.open("/none", 10))
      if front.bytesFollowRefusals { try await client.send(pattern(10)) }
      #expect(await front.answer(client, total: 10).word == .refused)
      for request in [
        front.resume(route, stranger, 10), front.status(route, stranger, 10), front.cancel(route, stranger),
      ] {
        try await client.send(request)
        #expect(await front.answer(client, total: 10).word == .refused)
      }
      let key = try await offered(front, client, 10)
      try await client.send(pattern(10))
      #expect(await front.answer(client, total: 10).word == .done)
      #expect(try gateway.folder.stored(key) == pattern(10))
      client.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test("a cancelled upload is gone, with its bytes and its quota", arguments: FrontUnderTest.all)
  func cancelled(front: FrontUnderTest) async throws {
    try await withGateway(frontSet: .every) { gateway in
      let first = try await connect(front, gateway)
      let key = try await offered(front, first, 100_000)
      try await first.send(pattern(50_000))
      try await first.drop()
      let second = try await connect(front, gateway)
      try await second.send(front.cancel(route, key))
      #expect(await front.answer(second, total: 100_000).word == .cancelled)
      try await second.send(front.resume(route, key, 100_000))
      #expect(await front.answer(second, total: 100_000).word == .refused)
      second.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test("without ALPN the first bytes choose the front, however they are cut", arguments: FrontUnderTest.all)
  func withoutALPN(front: FrontUnderTest) async throws {
    try await withGateway(frontSet: .every) { gateway in
      let client = try await RawClient.connect(gateway.port, applicationProtocols: [])
      for byte in front.open(route, 1000).utf8 { try await client.send(ByteBuffer(bytes: [byte])) }
      guard case .offer(let key, _, _)? = await front.answer(client, total: 1000).word else {
        Issue.record("no offer")
        return
      }
      try await client.send(pattern(1000))
      #expect(await front.answer(client, total: 1000).word == .done)
      #expect(try gateway.folder.stored(key) == pattern(1000))
      client.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  private func connect(_ front: FrontUnderTest, _ gateway: GatewayUnderTest) async throws -> RawClient {
    try await RawClient.connect(gateway.port, applicationProtocols: [front.name])
  }

  /// Opens an upload that is offered whole.
  private func offered(_ front: FrontUnderTest, _ client: RawClient, _ total: Int) async throws -> String {
    try await client.send(front.open(route, total))
    guard case .offer(let key, offset: 0, end: total)? = await front.answer(client, total: total).word else {
      throw NotOffered()
    }
    return key
  }

  private func wait(for safe: Int, _ front: FrontUnderTest, _ client: RawClient, _ total: Int) async throws {
    while let word = await front.next(client, total) {
      if word == .safe(safe) { return }
    }
    throw NotTold()
  }

  private struct NotOffered: Error {}
  private struct NotTold: Error {}
}
