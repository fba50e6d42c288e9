import Foundation
import NIOCore
import Testing
import XStreamClient

/// Clients that bring too little, in words of both fronts.
@Suite(.timeLimit(.minutes(1))) struct MinimumProgressTests {
  private func setup(_ timeouts: String, http: Bool = false) -> GatewaySetup {
    var setup = GatewaySetup()
    setup.timeouts = timeouts
    if http { setup.more = "http: {}" }
    return setup
  }

  /// Sends a byte every 100 ms until the answer is there.
  private func drip(_ client: RawClient) -> Task<Void, any Error> {
    Task {
      while !Task.isCancelled {
        try await client.send("x")
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }

  @Test("an upload that drips is suspended and told so, and goes on with what is safe of it")
  func drips() async throws {
    try await withGateway(setup("silence: 2s, progress: 1 MiB per 1s")) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "200000")
      let key = try #require(await client.packet()?["x-stream-key"])
      let dripping = drip(client)
      let answer = await client.answer()?.headers
      dripping.cancel()
      #expect(answer?["status"] == "14" && answer?["reason"] == "the bytes came too slowly")
      let left = try #require(answer?["x-stream"]?.split(separator: ":").first.flatMap { Int($0) })
      #expect(left < 200_000 && left > 199_900)
      #expect(await client.end() == .closeNotify)
      client.channel.close(promise: nil)
      try await gateway.expectAtRest(unfinished: 1)
      let outcome = try await UploadClient.test().upload(
        .bytes(ByteBuffer(string: String(repeating: "x", count: 200_000))), to: gateway.url(),
        options: .quick { $0.resume = XStreamKey.point(key) })
      #expect(outcome.resumedFrom == Int64(200_000 - left))
      try await gateway.expectAtRest()
    }
  }

  @Test("over HTTP, in one body and in chunks, it is 408, and the connection ends", arguments: [true, false])
  func overHTTP(isChunked: Bool) async throws {
    try await withGateway(setup("silence: 2s, progress: 1 MiB per 1s", http: true)) { gateway in
      let client = try await RawClient.connect(gateway.port, applicationProtocols: ["http/1.1"])
      let length = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 200000"
      try await client.send("PUT /upload-file/a HTTP/1.1\r\nHost: localhost\r\n\(length)\r\n\r\n")
      let dripping = Task {
        while !Task.isCancelled {
          try await client.send(isChunked ? "1\r\nx\r\n" : "x")
          try await Task.sleep(for: .milliseconds(100))
        }
      }
      _ = await client.end()
      dripping.cancel()
      #expect(client.text.hasPrefix("HTTP/1.1 408 "), "\(client.text)")
      #expect(client.text.contains("the bytes came too slowly"), "\(client.text)")
      client.channel.close(promise: nil)
      #expect(await eventually { gateway.connections == 0 })
    }
  }

  @Test("a body that is slow, and fast enough, is waited for")
  func slowAndHonest() async throws {
    try await withGateway(setup("silence: 1s, progress: 64 B per 1s")) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "1000")
      _ = await client.packet()
      // Four seconds, of which the first is given.
      for _ in 0..<20 {
        try await client.send(String(repeating: "x", count: 50))
        try await Task.sleep(for: .milliseconds(200))
      }
      #expect(await client.answer()?.headers["status"] == "0")
      client.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test("time in which the gateway itself holds a client back does not count")
  func heldBack() async throws {
    var setup = setup("silence: 2s, progress: 1 MiB per 1s, upload: 2s")
    // Four seconds for what comes at once.
    setup.routes = GatewaySetup.plainRoute("limits: {bandwidth: 256 KiB/s}")
    try await withGateway(setup) { gateway in
      let outcome = try await UploadClient.test().upload(
        .bytes(pattern(1 << 20)), to: gateway.url(), options: .once)
      #expect(outcome.resumedFrom == 0)
      try await gateway.expectAtRest()
    }
  }

  @Test("an upload has its time in all, and is told so when that is over")
  func inAll() async throws {
    try await withGateway(setup("upload: 1s")) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "100000")
      _ = await client.packet()
      let dripping = drip(client)
      let answer = await client.answer()?.headers
      dripping.cancel()
      #expect(answer?["status"] == "14" && answer?["reason"] == "the upload took too long")
      client.channel.close(promise: nil)
      try await gateway.expectAtRest(unfinished: 1)
    }
  }
}
