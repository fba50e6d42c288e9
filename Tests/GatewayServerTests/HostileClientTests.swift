import Foundation
import GatewayCore
import NIOCore
import Testing
import XStream
import XStreamClient

/// What `conformance.py` cannot see of clients that mean no good: what they leave in the gateway, and when it has had
/// enough.
@Suite(.timeLimit(.minutes(1))) struct HostileClientTests {
  /// With one patience cut short, and the others as they are: a busy machine must not be taken for a client's fault.
  private func impatient(_ timeouts: String) -> GatewaySetup {
    var setup = GatewaySetup()
    setup.timeouts = timeouts
    return setup
  }

  @Test("a head that drips gets status 14 when its time is over, however steadily it drips")
  func drippingHead() async throws {
    try await withGateway(impatient("head: 400ms")) { gateway in
      let client = try await RawClient.connect(gateway.port)
      let dripping = Task {
        for byte in "headers:\n    route: /upload-file\n    x-padding: \(String(repeating: "x", count: 500))".utf8 {
          try await client.send(ByteBuffer(bytes: [byte]))
          try await Task.sleep(for: .milliseconds(50))
        }
      }
      let clock = ContinuousClock()
      let start = clock.now
      let answer = await client.packet()
      #expect(answer?["status"] == "14")
      // Far less than the head would take, and than it is given by default.
      #expect(clock.now - start < .seconds(20))
      #expect(await client.end() == .closeNotify)
      dripping.cancel()
      client.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test("a body that drips is waited for, one that stops gets status 14 with an exact LEFT")
  func drippingBody() async throws {
    try await withGateway(impatient("silence: 1500ms")) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "100")
      let key = try #require(await client.packet()?["x-stream-key"])
      // Longer in all than the silence that is borne.
      for _ in 0..<10 {
        try await client.send("x")
        try await Task.sleep(for: .milliseconds(200))
      }
      let answer = await client.answer()?.headers
      #expect(answer?["status"] == "14" && answer?["x-stream"] == "90:0" && answer?["x-stream-key"] == key)
      #expect(await client.end() == .closeNotify)
      client.channel.close(promise: nil)
      try await gateway.expectAtRest(unfinished: 1)
      let outcome = try await UploadClient.test().upload(
        .bytes(ByteBuffer(string: String(repeating: "x", count: 100))), to: gateway.url(),
        options: .quick { $0.resume = XStreamKey.point(key) })
      #expect(outcome.resumedFrom == 10)
      try await gateway.expectAtRest()
    }
  }

  @Test("connections that say nothing, in the handshake or after it, are closed in their time")
  func silentConnections() async throws {
    try await withGateway(impatient("handshake: 3s, idle: 500ms")) { gateway in
      let plain = try await RawClient.connect(gateway.port, usesTLS: false)
      let secured = try await RawClient.connect(gateway.port)
      _ = await plain.end()
      #expect(await secured.end() == .closeNotify)
      secured.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test("a client that goes on reading nothing is cut when its time is over")
  func neverReads() async throws {
    try await withGateway(impatient("silence: 600ms, idle: 1s")) { gateway in
      let client = try await RawClient.connect(gateway.port, hearsLittle: true)
      try await client.reads(false)
      client.push(ByteBuffer(string: String(repeating: idleQuestion, count: 3000)))
      #expect(await eventually { gateway.connections == 0 }, "it is not cut")
      client.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test("as many questions as one read can hold are each answered, also those that are answered at once")
  func questionsInOneRead() async throws {
    try await withGateway { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.send(String(repeating: idleQuestion, count: 5000))
      client.finish()
      #expect(await client.end() == .closeNotify)
      #expect(client.text.split(separator: "payload: -\n").count == 5000)
      client.channel.close(promise: nil)
      try await gateway.expectAtRest()
    }
  }

  @Test("clients that vanish in the middle leave their uploads to be resumed, and nothing else")
  func vanishing() async throws {
    try await withGateway { gateway in
      for turn in 0..<6 {
        let client = try await RawClient.connect(gateway.port)
        try await client.open(total: turn < 4 ? "5000000" : "*", ack: 1)
        #expect(await client.packet()?["x-stream-key"] != nil)
        client.push(pattern(turn * 400_000))
        if turn % 2 == 0 { try await client.drop() } else { try await client.channel.close() }
      }
      // The last one ended its stream of unknown length in order: it is whole.
      try await gateway.expectAtRest(unfinished: 5)
    }
  }

  @Test("payloads that break off and streams that nobody could resume leave no reservation")
  func brokenPayload() async throws {
    try await withGateway { gateway in
      for _ in 0..<4 {
        let client = try await RawClient.connect(gateway.port)
        try await client.send("headers:\n    route: /upload-file\n    data-format: bytes\npayload: 1000\nhalf")
        let isAttached = await eventually { gateway.attached == 1 }
        #expect(isAttached)
        try await client.drop()
        #expect(await eventually { gateway.attached == 0 })
      }
      #expect(await eventually { gateway.folder.names(in: gateway.folder.partial).isEmpty })
      try await gateway.expectAtRest()
    }
  }

  @Test("one connection above the limit is closed at once, and is welcome when another has gone")
  func connectionLimit() async throws {
    var setup = GatewaySetup()
    setup.more = "connections: 2"
    try await withGateway(setup) { gateway in
      let first = try await RawClient.connect(gateway.port)
      let second = try await RawClient.connect(gateway.port)
      #expect(await eventually { gateway.connections == 2 })
      let third = try await RawClient.connect(gateway.port)
      #expect(await third.end() == .cut)
      first.channel.close(promise: nil)
      second.channel.close(promise: nil)
      #expect(await eventually { gateway.connections == 0 })
      try await gateway.expectAtRest()
    }
  }

  @Test("a memory of 64 KiB is enough for many uploads at once")
  func littleMemory() async throws {
    var setup = GatewaySetup()
    setup.more = "memory: 64 KiB"
    try await withGateway(setup) { gateway in
      let bytes = pattern(1 << 20)
      let (client, url) = (try UploadClient.test(), try gateway.url())
      try await withThrowingTaskGroup { group in
        for _ in 0..<6 {
          group.addTask { try await client.upload(.bytes(bytes), to: url, options: .once).key.text }
        }
        for try await key in group { #expect(try gateway.folder.stored(key) == bytes) }
      }
      try await gateway.expectAtRest()
    }
  }
}
