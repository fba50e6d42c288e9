import Foundation
import GatewayCore
import Logging
import NIOCore
import Testing
import XStream
import XStreamClient

/// What a gateway says of its uploads, and what it must not say.
@Suite(.timeLimit(.minutes(1))) struct LogTests {
  @Test("one id leads through an upload's life, over two connections")
  func oneID() async throws {
    try await withGateway { gateway in
      let first = try await RawClient.connect(gateway.port)
      try await first.open(total: "20", ack: 1)
      let key = try #require(await first.packet()?["x-stream-key"])
      try await first.send("0123456789")
      #expect(await first.packet()?["x-stream-offset"] == "10")
      try await first.drop()
      #expect(await eventually { gateway.attached == 0 })
      let second = try await RawClient.connect(gateway.port)
      try await second.open(total: "20", key: key)
      #expect(await second.packet()?["x-stream-offset"] == "10")
      try await second.send("0123456789")
      #expect(await second.answer()?.headers["status"] == "0")
      second.channel.close(promise: nil)
      #expect(await eventually { gateway.connections == 0 })
      let lines = gateway.log.lines.filter { $0.metadata["upload"] == String(key.prefix(12)) }
      #expect(lines.map(\.message) == ["Upload offered", "Upload left", "Upload offered", "Upload complete"])
      #expect(Set(lines.compactMap { $0.metadata["connection"] }).count == 2)
      #expect(lines.allSatisfy { $0.metadata["route"] == "/upload-file" && $0.metadata["peer"] == "127.0.0.1" })
    }
  }

  @Test("a connection that is lost is no line above debug; what becomes of its upload is one")
  func leaving() async throws {
    try await withGateway { gateway in
      func levels() -> [Logger.Level] { gateway.log.lines("Connection lost").map(\.level) }
      let done = try await RawClient.connect(gateway.port)
      try await done.open(total: "10")
      _ = await done.packet()
      try await done.send("0123456789")
      #expect(await done.answer()?.headers["status"] == "0")
      try await done.drop()
      #expect(await eventually { !levels().isEmpty })
      for (total, head) in [("20", true), ("*", true), ("20", false)] {
        let count = levels().count
        let halfway = try await RawClient.connect(gateway.port)
        if head {
          try await halfway.open(total: total)
          _ = await halfway.packet()
          try await halfway.send("0123456789")
        } else {
          try await halfway.send("headers:\n    rou")
        }
        try await halfway.drop()
        #expect(await eventually { levels().count > count }, "\(total)")
      }
      #expect(levels().allSatisfy { $0 == .debug })
      #expect(await eventually { gateway.log.lines("Upload left").count == 2 })
      #expect(gateway.log.lines("Upload left").allSatisfy { $0.level == .info })
    }
  }

  @Test("the client library and the command end their connections in order")
  func inOrder() async throws {
    try await withGateway { gateway in
      let (folder, url) = (gateway.folder, try gateway.url())
      let file = try folder.write("file", "hello")
      let client = try UploadClient.test()
      for round in 0..<20 {
        let outcome = try await client.upload(.bytes(pattern(1000 * round)), to: url, options: .once)
        _ = try await client.ask(outcome.key, total: Int64(1000 * round), at: url)
      }
      for _ in 0..<8 {
        let sent = try await sluice(
          ["send", "-q", "--no-resume", "--ca", TestCertificates.ours.ca, file, url.description], in: folder)
        #expect(sent.status == 0, "\(sent.errors)")
      }
      #expect(await eventually { gateway.connections == 0 })
      #expect(gateway.log.lines("Upload complete").count == 28)
      #expect(gateway.log.lines("Connection lost").map(\.text) == [])
    }
  }

  @Test("who decrypts stands in a connection's lines, by configuration", arguments: ["direct", "openssl"])
  func records(choice: String) async throws {
    var setup = GatewaySetup()
    setup.tlsMore = ", records: \(choice)"
    try await withGateway(setup) { gateway in
      _ = try await UploadClient.test().upload(.bytes(pattern(1 << 20)), to: gateway.url(), options: .once)
      #expect(await eventually { !gateway.log.lines("Connection closed").isEmpty })
      let secured = try #require(gateway.log.lines("Connection secured").first)
      #expect(secured.metadata["records"] == choice)
      let hasVectors = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).contains(" vaes ")
      let closed = try #require(gateway.log.lines("Connection closed").first?.metadata["records"])
      #expect(closed == choice || hasVectors && choice == "direct" && closed == "direct-vaes", "\(closed)")
    }
  }

  @Test("no key and no token is in any line at trace level, in no format", arguments: ["text", "json"])
  func secrets(format: String) async throws {
    var setup = GatewaySetup()
    setup.clientCertificate = "optional"
    setup.routes = GatewaySetup.plainRoute("access: {tokens: tokens, certificates: true}, limits: {upload: 1 MiB}")
    let folder = try GatewayFolder()
    let gateway = try GatewayProcess(setup, in: folder)
    try folder.write(
      "sluice.yaml",
      String(contentsOfFile: folder.path + "/sluice.yaml", encoding: .utf8)
        .replacing("level: trace", with: "level: trace, format: \(format)"))
    try await gateway.start()
    let alice = try UploadClient.test(token: Token.alice.secret)
    let bob = try UploadClient.test(token: Token.bob.secret)
    let url = try gateway.url()
    let outcome = try await alice.upload(.bytes(pattern(300_000)), to: url, options: .once)
    _ = try await alice.ask(outcome.key, total: 300_000, at: url)
    let key = try #require(StreamKey("a-key-that-was-never-given-to-anybody"))
    _ = await failure { try await alice.giveUp(outcome.key, at: url) }
    _ = await failure { try await bob.ask(outcome.key, total: 300_000, at: url) }
    _ = await failure { try await bob.ask(key, total: 1, at: url) }
    _ = await failure { try await alice.upload(.bytes(pattern(2 << 20)), to: url, options: .once) }
    _ = await failure {
      try await UploadClient.test(token: "wrong-token-of-nobody").upload(.bytes(pattern(9)), to: url, options: .once)
    }
    // A client that is wrong about everything.
    let raw = try await RawClient.connect(gateway.port)
    try await raw.send(
      "headers:\n    route: /upload-file\n    authorization: Bearer \(Token.bob.secret)\n    x-stream-key: \(key.text)\n"
        + "    x-stream-key: \(key.text)\npayload: -\n")
    #expect(await raw.packet()?["status"] == "1")
    raw.channel.close(promise: nil)
    let result = try #require(await gateway.terminate())
    let said = result.errors + result.output
    #expect(result.status == 0 && said.contains("Upload complete") && said.contains("Request refused"))
    for secret in [
      Token.alice.secret, Token.bob.secret, Token.alice.digest, Token.bob.digest, outcome.key.text, key.text,
      "wrong-token-of-nobody",
    ] { #expect(!said.contains(secret)) }
    #expect(!said.contains("TokenFile") && !said.contains(TestCertificates.ours.serverKey))
    if format == "json" {
      for line in result.errors.split(separator: "\n") {
        #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) is [String: Any], "\(line)")
      }
    }
  }

  @Test("what clients say of themselves does not break a line of the log")
  func clientText() async throws {
    try await withGateway { gateway in
      let nasty = [
        "headers:\n    route: /none\u{2028}second line\n    data-format: bytes\n    x-stream: 1:1\npayload: -\n",
        "headers:\n    route: /upload-file\n    data-format: \u{202E}txet\n    x-stream: 1:1\npayload: -\n",
        "headers:\n    route: /upload-file\n    data-format: bytes\n    x-stream: 1:1\n    x-stream-name: %0Aline\npayload: -\n",
        "headers:\n    route: /a\rb\npayload: -\n",
        "headers:\n    traceparent: 00-\u{1B}[31m\npayload: -\n",
        "GET / HTTP/1.1\r\nhost: \u{1B}[31mred\r\n\r\n",
      ]
      for text in nasty {
        let client = try await RawClient.connect(gateway.port)
        try await client.send(text)
        #expect(await client.packet()?["status"] != nil)
        client.channel.close(promise: nil)
      }
      let plain = try await RawClient.connect(gateway.port, usesTLS: false)
      try await plain.send("\u{1B}[31m garbage\n in place of TLS\n")
      _ = await plain.end()
      plain.channel.close(promise: nil)
      try await gateway.expectAtRest()
      #expect(gateway.log.lines.count >= nasty.count)
      for line in gateway.log.lines {
        let isClean = line.text.unicodeScalars.allSatisfy { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: false
          default: true
          }
        }
        #expect(isClean, "\(line.text.debugDescription)")
      }
    }
  }
}
