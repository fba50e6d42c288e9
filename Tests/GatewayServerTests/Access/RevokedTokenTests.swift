import Foundation
import NIOCore
import Testing

/// A token that is taken away while its client uploads.
@Suite(.timeLimit(.minutes(1))) struct RevokedTokenTests {
  private let route = "/upload-file"

  private func setup() -> GatewaySetup {
    var setup = GatewaySetup()
    setup.routes = GatewaySetup.plainRoute("access: {tokens: tokens}")
    setup.more = "http: {}"
    return setup
  }

  private func connect(_ front: FrontUnderTest, _ gateway: GatewayUnderTest) async throws -> RawClient {
    try await RawClient.connect(gateway.port, applicationProtocols: [front.name])
  }

  @Test(
    "ends the upload at its next bytes, keeps what is safe, and leaves others alone",
    arguments: [FrontUnderTest.xStream, .resumableHTTP])
  func inTheMiddle(front: FrontUnderTest) async throws {
    let setup = setup()
    try await withGateway(setup) { gateway in
      let total = 4 << 20
      let client = try await connect(front, gateway)
      try await client.send(front.open(route, total).showing(Token.alice.secret))
      guard case .offer(let key, offset: 0, end: total)? = await front.answer(client, total: total).word else {
        Issue.record("no offer")
        return
      }
      try await client.send(pattern(1 << 20))
      #expect(await eventually { gateway.bytesInMemory == 0 })
      let bob = try await connect(front, gateway)
      try await bob.send(front.open(route, 1000).showing(Token.bob.secret))
      guard case .offer? = await front.answer(bob, total: 1000).word else {
        Issue.record("no offer for another")
        return
      }

      try gateway.folder.write(
        "tokens", Token.bob.line + Token.alice.line.dropLast() + " revoked=2026-01-01\n", mode: 0o600)
      try await gateway.publishRights(setup)
      try await client.send(pattern(70_000))
      let last = await front.answer(client, total: total)
      #expect(last.word == .refused)
      try await bob.send(pattern(1000))
      #expect(await front.answer(bob, total: 1000).word == .done)
      for client in [client, bob] { client.channel.close(promise: nil) }

      let refused = try await connect(front, gateway)
      try await refused.send(front.status(route, key, total).showing(Token.alice.secret))
      #expect(await front.answer(refused, total: total).word == .refused)
      refused.channel.close(promise: nil)
      // What is safe waits for its client's right to come back.
      try gateway.folder.write("tokens", Token.bob.line + Token.alice.line, mode: 0o600)
      try await gateway.publishRights(setup)
      let again = try await connect(front, gateway)
      try await again.send(front.status(route, key, total).showing(Token.alice.secret))
      #expect(await front.answer(again, total: total).word == .stopped(at: 1 << 20, isFinal: false))
      again.channel.close(promise: nil)
      #expect(await eventually { gateway.attached == 0 && gateway.bytesInMemory == 0 })
      try gateway.folder.expectSound(unfinished: 1)
      #expect(gateway.log.lines("Client has lost its right").count == 1)
      #expect(!gateway.log.text.contains(Token.alice.secret))
    }
  }

  @Test("the client of a stream hears status 5, and what is left of it")
  func words() async throws {
    let setup = setup()
    try await withGateway(setup) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.send(FrontUnderTest.xStream.open(route, 3 << 20).showing(Token.alice.secret))
      _ = await client.answer()
      try await client.send(pattern(1 << 20))
      #expect(await eventually { gateway.bytesInMemory == 0 })
      try gateway.folder.write("tokens", Token.bob.line, mode: 0o600)
      try await gateway.publishRights(setup)
      try await client.send(pattern(1))
      let answer = try #require(await client.answer())
      #expect(
        answer.headers["status"] == "5" && answer.headers["x-stream"]?.hasPrefix("\(2 << 20)") == true, "\(answer)")
      _ = await client.end()
      client.channel.close(promise: nil)
    }
  }

  @Test("a plain upload over HTTP is answered with 401, and leaves nothing")
  func plain() async throws {
    let setup = setup()
    try await withGateway(setup) { gateway in
      let client = try await RawClient.connect(gateway.port, applicationProtocols: ["http/1.1"])
      try await client.send(
        "PUT /upload-file/a.bin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n".showing(
          Token.alice.secret))
      try await client.send(pattern(1 << 20))
      #expect(await eventually { gateway.attached == 1 && gateway.bytesInMemory == 0 })
      try gateway.folder.write("tokens", Token.bob.line, mode: 0o600)
      try await gateway.publishRights(setup)
      try await client.send(pattern(1000))
      #expect(await client.answerHead()?.status == 401)
      client.channel.close(promise: nil)
      #expect(await eventually { gateway.attached == 0 && gateway.connections == 0 })
      try gateway.folder.expectSound(unfinished: 0)
    }
  }
}
