import Foundation
import NIOCore
import TLSTransport
import Testing
import XStream
import XStreamClient

/// SIGHUP, and what the service manager hears.
@Suite(.timeLimit(.minutes(1))) struct HangUpTests {
  @Test("a configuration that is asked for is taken: limits, routes, level of the log")
  func hangUp() async throws {
    try await withGatewayProcess { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "1000000")
      let key = try #require(await client.packet()?["x-stream-key"])
      try await client.send(pattern(500_000))

      var setup = GatewaySetup()
      setup.routes = GatewaySetup.plainRoute("limits: {upload: 2000}") + "  /more: {store: {directory: more}}\n"
      setup.logLevel = "warning"
      try gateway.configure(setup)
      gateway.program?.signal(SIGHUP)
      // The level is another by then: what is taken is not told any more.
      let isTaken = try await isServed("/more", by: gateway)
      #expect(isTaken)

      // The open upload goes on as it began, with more bytes than a new one may have.
      let rest = try #require(pattern(1_000_000).getSlice(at: 500_000, length: 500_000))
      try await client.send(rest)
      #expect(await client.answer()?.headers["status"] == "0")
      #expect(try gateway.folder.stored(key) == pattern(1_000_000))
      let refused = await failure {
        try await UploadClient.test().upload(.bytes(pattern(3000)), to: gateway.url(), options: .once)
      }
      #expect(refused != nil)
      #expect(!gateway.log.contains("Configuration taken"))
    }
  }

  private func isServed(_ route: String, by gateway: GatewayProcess) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
      let refused = await failure {
        try await UploadClient.test().upload(.bytes(pattern(10)), to: gateway.url(route), options: .once)
      }
      if refused == nil { return true }
    }
    return false
  }

  @Test("in a drain it changes nothing and kills nothing")
  func draining() async throws {
    let backend = try await PipeBackend.start(holdsAnswers: true)
    var setup = GatewaySetup()
    setup.routes = "  /pipe: {pipe: {to: \"127.0.0.1:\(backend.port)\"}}\n"
    try await withGatewayProcess(setup) { gateway in
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "1000", route: "/pipe")
      #expect(await client.packet()?["x-stream-key"] != nil)
      try await client.send(pattern(1000))
      #expect(await eventually { backend.connections.first?.endedInOrder == true })
      gateway.program?.signal(SIGTERM)
      #expect(await eventually { gateway.log.contains("Gateway is stopping") })
      gateway.program?.signal(SIGHUP)
      #expect(await eventually { gateway.log.contains("Configuration is not read: the gateway is stopping") })
      backend.answer()
      #expect(await client.answer()?.headers["status"] == "0")
      client.channel.close(promise: nil)
      #expect(await gateway.program?.wait().status == 0)
    }
    try await backend.stop()
  }

  @Test("a pipe's backends change, and an upload that another one has is resumed there")
  func backends() async throws {
    let (first, second) = (try await PipeBackend.start(), try await PipeBackend.start())
    func setup(_ backend: PipeBackend) -> GatewaySetup {
      var setup = GatewaySetup()
      setup.routes = "  /pipe: {pipe: {to: \"127.0.0.1:\(backend.port)\"}}\n"
      return setup
    }
    try await withGatewayProcess(setup(first)) { gateway in
      let vanishing = try await RawClient.connect(gateway.port)
      try await vanishing.open(total: "1000", ack: 1, route: "/pipe")
      let key = try #require(await vanishing.packet()?["x-stream-key"])
      try await vanishing.send(try #require(pattern(1000).getSlice(at: 0, length: 500)))
      while let progress = await vanishing.packet(), progress["x-stream-offset"] != "500" {}
      try await vanishing.drop()

      try gateway.configure(setup(second))
      #expect(try await gateway.reload().status == 0)
      let outcome = try await UploadClient.test().upload(
        .bytes(pattern(1000)), to: gateway.url("/pipe"), options: .quick { $0.resume = XStreamKey.point(key) })
      #expect(outcome.key.text == key)
      #expect(first.connections.map(\.bytes) == [pattern(1000)] && second.connections.isEmpty)
      _ = try await UploadClient.test().upload(.bytes(pattern(10)), to: gateway.url("/pipe"), options: .once)
      #expect(second.connections.map(\.bytes) == [pattern(10)])
    }
    try await first.stop()
    try await second.stop()
  }

  @Test("a client whose authority is trusted no more has its connection ended, and its bytes stay")
  func authorityRemoved() async throws {
    var setup = GatewaySetup()
    setup.clientCertificate = "required"
    // The other authority is in a folder that the gateway could not reach otherwise.
    setup.more = "landlock: off"
    try await withGatewayProcess(setup) { gateway in
      let client = try UploadClient.test(certificate: true)
      _ = try await client.upload(.bytes(pattern(10)), to: gateway.url(), options: .once)
      let hold = try await RawClient.connect(
        gateway.port,
        identity: .init(
          certificateChainFile: TestCertificates.ours.client, privateKeyFile: TestCertificates.ours.clientKey))
      try await hold.open(total: "1000000", ack: 1)
      let key = try #require(await hold.packet()?["x-stream-key"])
      try await hold.send(pattern(500_000))
      while let progress = await hold.packet(), progress["x-stream-offset"] != "500000" {}

      setup.clientCA = TestCertificates.strangers.clientsCA
      try gateway.configure(setup)
      #expect(try await gateway.reload().status == 0)
      #expect(await hold.answer()?.headers["status"] == "15")
      #expect(await hold.end() == .closeNotify)
      let refused = await failure {
        try await client.upload(.bytes(pattern(10)), to: gateway.url(), options: .once)
      }
      #expect(refused != nil)

      setup.clientCA = nil
      try gateway.configure(setup)
      #expect(try await gateway.reload().status == 0)
      let outcome = try await client.upload(
        .bytes(pattern(1_000_000)), to: gateway.url(), options: .quick { $0.resume = XStreamKey.point(key) })
      #expect(outcome.key.text == key && outcome.resumedFrom == 500_000)
    }
  }
}
