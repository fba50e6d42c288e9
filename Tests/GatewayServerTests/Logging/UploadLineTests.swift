import Foundation
import GatewayCore
import Logging
import NIOCore
import Testing
import XStream
import XStreamClient

/// What an operator reads of uploads at level `info`: one line for each end, with all that a question could be about.
@Suite(.timeLimit(.minutes(1))) struct UploadLineTests {
  private func lines(_ gateway: GatewayUnderTest) -> [CapturedLog.Line] {
    gateway.log.lines.filter { $0.level >= .info && $0.metadata["client"] != nil }
  }

  /// The only line of a kind, once it is there.
  private func line(_ message: String, _ gateway: GatewayUnderTest) async throws -> CapturedLog.Line {
    #expect(await eventually { !gateway.log.lines(message).isEmpty }, "\(gateway.log.text)")
    let lines = gateway.log.lines(message)
    #expect(lines.count == 1)
    return try #require(lines.first)
  }

  @Test("a complete upload is one line: who, what, where to, how much, how fast, over what")
  func complete() async throws {
    var setup = GatewaySetup()
    setup.routes =
      "  /upload-file: {store: {directory: uploads, name: 'by-{client}/{name}-{key}'}, access: {tokens: tokens}}\n"
    try await withGateway(setup) { gateway in
      let client = try UploadClient.test(token: Token.alice.secret)
      let options = UploadOptions.quick { $0.name = StreamName(label: "a \u{202E}file.bin") }
      _ = try await client.upload(.bytes(pattern(300_000)), to: gateway.url(), options: options)
      let line = try await line("Upload complete", gateway)
      #expect(line.level == .info && lines(gateway).count == 1, "\(gateway.log.text)")
      let said = line.metadata
      #expect(said["client"] == "token:alice" && said["route"] == "/upload-file" && said["status"] == "complete")
      #expect(said["file"] == "a \\u{202E}file.bin", "\(said)")
      let path = try #require(said["path"])
      #expect(path.hasPrefix(gateway.folder.uploads + "/by-") && path.hasSuffix("-\(said["upload"] ?? "")*"), "\(said)")
      #expect(said["size"] == "300000" && said["bytes"] == "300000" && said["resumes"] == "0")
      #expect(said["tls"] == "TLSv1.3" && said["cipher"]?.hasPrefix("TLS_") == true)
      #expect(said["peer"] == "127.0.0.1" && said["connection"]?.count == 12 && said["upload"]?.count == 12)
      let seconds = try #require(said["seconds"].flatMap { Double($0) })
      let rate = try #require(said["rate"].flatMap { Int64($0) })
      #expect(seconds < 60 && rate > 0)
    }
  }

  @Test("a file that is called by its upload's key is shown by the beginning of that alone")
  func keyAsName() async throws {
    try await withGateway { gateway in
      let outcome = try await UploadClient.test().upload(.bytes(pattern(1000)), to: gateway.url(), options: .once)
      let line = try await line("Upload complete", gateway)
      #expect(line.metadata["path"] == "\(gateway.folder.uploads)/\(outcome.key.text.prefix(12))*")
      #expect(!gateway.log.text.contains(outcome.key.text))
    }
  }

  @Test("an upload that is left says why and how much is safe, and the next line counts the resume")
  func left() async throws {
    try await withGateway { gateway in
      let first = try await RawClient.connect(gateway.port)
      try await first.open(total: "20", ack: 1)
      let key = try #require(await first.packet()?["x-stream-key"])
      try await first.send("0123456789")
      #expect(await first.packet()?["x-stream-offset"] == "10")
      try await first.drop()
      let left = try await line("Upload left", gateway)
      #expect(left.level == .info && left.metadata["reason"] == "the client has left it")
      #expect(left.metadata["safe"] == "10" && left.metadata["bytes"] == "10" && left.metadata["total"] == "20")
      let second = try await RawClient.connect(gateway.port)
      try await second.open(total: "20", key: key)
      _ = await second.packet()
      try await second.send("0123456789")
      #expect(await second.answer()?.headers["status"] == "0")
      second.channel.close(promise: nil)
      let complete = try await line("Upload complete", gateway)
      #expect(complete.metadata["resumes"] == "1" && complete.metadata["bytes"] == "10")
      #expect(complete.metadata["size"] == "20" && complete.metadata["upload"] == left.metadata["upload"])
    }
  }

  @Test("an upload that the gateway itself stops says so", arguments: ["silence", "newer", "stop"])
  func stopped(by cause: String) async throws {
    var setup = GatewaySetup()
    if cause == "silence" { setup.timeouts = "silence: 200ms" }
    let log = try await withGateway(setup) { gateway in
      let first = try await RawClient.connect(gateway.port)
      try await first.open(total: "20", ack: 1)
      let key = try #require(await first.packet()?["x-stream-key"])
      try await first.send("0123456789")
      #expect(await first.packet()?["x-stream-offset"] == "10")
      if cause == "newer" {
        let second = try await RawClient.connect(gateway.port)
        try await second.open(total: "20", key: key)
        #expect(await second.packet()?["x-stream-offset"] == "10")
      }
      if cause != "stop" { _ = try await line("Upload left", gateway) }
      return gateway.log
    }
    let reasons = [
      "silence": "no byte came for too long", "newer": "a newer connection has it", "stop": "the gateway is stopping",
    ]
    #expect(log.lines("Upload left").first?.metadata["reason"] == reasons[cause], "\(log.text)")
  }

  @Test("a refusal says the route, the client by name, and why")
  func refused() async throws {
    var setup = GatewaySetup()
    setup.routes = GatewaySetup.plainRoute("access: {tokens: tokens}, limits: {upload: 1 MiB}")
    try await withGateway(setup) { gateway in
      let url = try gateway.url()
      let cases: [(token: String?, client: String, reason: String)] = [
        (Token.bob.secret, "token:bob", "above the limit of 1048576 bytes"),
        ("nobodys-token", "token that is not known here", "no credentials, or none of the route's"),
        (nil, "address:127.0.0.1", "no credentials, or none of the route's"),
      ]
      for (count, one) in cases.enumerated() {
        _ = await failure {
          try await UploadClient.test(token: one.token).upload(.bytes(pattern(2 << 20)), to: url, options: .once)
        }
        #expect(await eventually { gateway.log.lines("Request refused").count > count })
        let line = try #require(gateway.log.lines("Request refused").last)
        #expect(line.level == .info && line.metadata["client"] == one.client, "\(line.text)")
        #expect(line.metadata["route"] == "/upload-file" && line.metadata["reason"] == one.reason, "\(line.text)")
      }
      // Whoever tries paths may do so without a line.
      _ = await failure {
        try await UploadClient.test().upload(.bytes(pattern(1)), to: gateway.url("/nowhere"), options: .once)
      }
      #expect(await eventually { gateway.log.lines("Request refused").count == 4 })
      #expect(gateway.log.lines("Request refused").last?.level == .debug)
    }
  }

  @Test("what a client does wrong is no error, and a fault of the store is one")
  func faults() async throws {
    try await withGateway { gateway in
      let (client, url) = (try UploadClient.test(), try gateway.url())
      let wrong = UploadOptions.quick {
        $0.retry.patience = .zero
        $0.digest = StreamDigest(bytes: [UInt8](repeating: 0, count: 32))
      }
      _ = await failure { try await client.upload(.bytes(pattern(1000)), to: url, options: wrong) }
      #expect(try await line("Upload failed", gateway).level == .info)
      #expect(gateway.log.lines.allSatisfy { $0.level < .error })
      try FileManager.default.moveItem(atPath: gateway.folder.uploads, toPath: gateway.folder.path + "/away")
      _ = await failure { try await client.upload(.bytes(pattern(300_000)), to: url, options: .once) }
      try FileManager.default.moveItem(atPath: gateway.folder.path + "/away", toPath: gateway.folder.uploads)
      let errors = gateway.log.lines.filter { $0.message.hasPrefix("Upload ") && $0.level == .error }
      let line = try #require(errors.first)
      #expect(errors.count == 1 && line.metadata["client"] == "address:127.0.0.1", "\(line.text)")
    }
  }

  @Test("an upload that is given up is one line")
  func givenUp() async throws {
    try await withGateway { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "20", ack: 1)
      let key = try #require(await client.packet()?["x-stream-key"])
      try await client.drop()
      #expect(await eventually { gateway.attached == 0 })
      let (stream, url) = (try #require(StreamKey(key)), try gateway.url())
      try await UploadClient.test().giveUp(UploadHandle(stream), at: url)
      let line = try await line("Upload given up", gateway)
      #expect(line.metadata["upload"] == String(key.prefix(12)) && line.metadata["route"] == "/upload-file")
    }
  }

  @Test("a start is one line with version, places, routes and limits")
  func start() async throws {
    var setup = GatewaySetup()
    setup.routes = GatewaySetup.plainRoute("limits: {upload: 1 MiB}")
    try await withGateway(setup) { gateway in
      let lines = gateway.log.lines.filter { $0.level >= .info }
      #expect(lines.map(\.message) == ["Gateway listens"], "\(gateway.log.text)")
      let said = try #require(lines.first).metadata
      #expect(said["version"]?.isEmpty == false && said["listen"] == "[\"127.0.0.1:\(gateway.port)\"]", "\(said)")
      #expect(said["routes"]?.contains("1048576") == true && said["routes"]?.contains("/upload-file") == true)
    }
  }
}
