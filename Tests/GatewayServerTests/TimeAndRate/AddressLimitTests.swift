import Foundation
import NIOCore
import Testing
import XStreamClient

@testable import GatewayServer

/// What one address may take, with the real listener and a proxy's word for where clients are.
@Suite(.timeLimit(.minutes(1))) struct AddressLimitTests {
  private func setup(_ more: String) -> GatewaySetup {
    var setup = GatewaySetup()
    setup.listen = "{address: \"127.0.0.1:PORT\", proxy-from: [127.0.0.1]}"
    setup.routes = GatewaySetup.plainRoute("access: anyone")
    setup.more = more
    return setup
  }

  private func connect(_ gateway: GatewayUnderTest, from address: String) async throws -> RawClient {
    let family = address.contains(":") ? "6 \(address) ::1" : "4 \(address) 127.0.0.1"
    return try await RawClient.connect(
      gateway.port, behind: ByteBuffer(string: "PROXY TCP\(family) 4711 8443\r\n"))
  }

  private func isServed(_ client: RawClient) async throws -> Bool {
    try? await client.send(idleQuestion)
    return await client.packet() != nil
  }

  private func isTurnedAway(_ client: RawClient) async -> Bool { await client.end() == .cut }

  @Test("one address has so many connections, by what the proxy says, and of IPv6 a customer is one")
  func connections() async throws {
    try await withGateway(setup("per-address: {connections: 2}")) { gateway in
      let first = try await connect(gateway, from: "203.0.113.1")
      #expect(try await isServed(first))
      #expect(try await isServed(connect(gateway, from: "203.0.113.1")))
      #expect(try await isTurnedAway(connect(gateway, from: "203.0.113.1")))
      #expect(try await isServed(connect(gateway, from: "203.0.113.2")))
      for host in 1...2 { #expect(try await isServed(connect(gateway, from: "2001:db8::\(host)"))) }
      #expect(try await isTurnedAway(connect(gateway, from: "2001:db8::3")))
      // The proxy's own address counts for nothing.
      for host in 3...6 { #expect(try await isServed(connect(gateway, from: "203.0.113.\(host)"))) }
      first.channel.close(promise: nil)
      #expect(await eventually { gateway.running.connections.addressCount == 7 && gateway.connections == 8 })
      #expect(try await isServed(connect(gateway, from: "203.0.113.1")))
      let lines = gateway.log.lines("Connection turned away: as many of its address are open as may be")
      #expect(lines.count == 1, "one line in ten seconds")
    }
  }

  @Test("addresses that are excepted have as many as they like, by default those of this machine")
  func excepted() async throws {
    var setup = setup("per-address: {connections: 1, except: [203.0.113.0/24]}")
    try await withGateway(setup) { gateway in
      for _ in 0..<3 {
        let client = try await connect(gateway, from: "203.0.113.1")
        #expect(try await isServed(client))
      }
    }
    setup = GatewaySetup()
    setup.more = "per-address: {connections: 1}"
    try await withGateway(setup) { gateway in
      for _ in 0..<3 {
        let client = try await RawClient.connect(gateway.port)
        #expect(try await isServed(client))
      }
    }
    setup.more = "per-address: {connections: 1, except: []}"
    try await withGateway(setup) { gateway in
      let (first, second) = (try await RawClient.connect(gateway.port), try await RawClient.connect(gateway.port))
      #expect(try await isServed(first))
      #expect(await second.end() == .cut)
    }
  }

  @Test("an address that begins handshakes too fast is closed before one is begun, and others are served")
  func handshakes() async throws {
    try await withGateway(setup("per-address: {handshakes: 3/s}")) { gateway in
      var served = 0
      for _ in 0..<6 where try await isServed(connect(gateway, from: "203.0.113.1")) { served += 1 }
      // A slow machine may take more than a second for it.
      #expect((3...5).contains(served), "\(served)")
      #expect(try await isServed(connect(gateway, from: "203.0.113.2")))
      #expect(gateway.log.lines("Connection secured").count == served + 1)
    }
  }

  @Test("handshakes beyond the rate of all wait for their turn, and are served")
  func waiting() async throws {
    try await withGateway(setup("handshakes: 4/s")) { gateway in
      let clock = ContinuousClock()
      let start = clock.now
      try await withThrowingTaskGroup { group in
        for host in 1...8 {
          group.addTask { try await isServed(connect(gateway, from: "203.0.113.\(host)")) }
        }
        for try await isServed in group { #expect(isServed) }
      }
      // Four at once, and four more in a second.
      #expect(clock.now - start >= .milliseconds(900))
    }
  }

  @Test("a reload changes what an address may take")
  func reloaded() async throws {
    try await withGateway(setup("per-address: {connections: 1}")) { gateway in
      #expect(try await isServed(connect(gateway, from: "203.0.113.1")))
      #expect(try await isTurnedAway(connect(gateway, from: "203.0.113.1")))
      var wanted = gateway.running.configuration
      wanted.addresses.connections = 2
      _ = try await gateway.running.reload(wanted)
      #expect(try await isServed(connect(gateway, from: "203.0.113.1")))
      #expect(try await isTurnedAway(connect(gateway, from: "203.0.113.1")))
    }
  }

  @Test("a client that begins uploads too fast is told to wait, and for how long", arguments: [false, true])
  func begun(overHTTP: Bool) async throws {
    var setup = setup("http: {}")
    setup.routes = GatewaySetup.plainRoute("access: anyone, client-limits: {begun: 1/s}")
    try await withGateway(setup) { gateway in
      var clients: [RawClient] = []
      for _ in 0..<4 {
        clients.append(
          try await RawClient.connect(
            gateway.port, applicationProtocols: [overHTTP ? "http/1.1" : "x-stream/1"],
            behind: ByteBuffer(string: "PROXY TCP4 203.0.113.1 127.0.0.1 4711 8443\r\n")))
      }
      for client in clients {
        let put = "PUT /upload-file/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
        try await client.send(
          overHTTP ? put : "headers:\n    route: /upload-file\n    data-format: bytes\npayload: 1\nx")
      }
      var busy = 0
      for client in clients {
        if overHTTP {
          _ = await client.end()
          if client.text.hasPrefix("HTTP/1.1 503 "), client.text.contains("Retry-After: 1\r\n") { busy += 1 }
        } else {
          let answer = await client.packet()
          if answer?["status"] == "8", answer?["retry-after"] == "1" { busy += 1 }
        }
      }
      // On a slow machine a second may pass meanwhile.
      #expect((2...3).contains(busy), "\(busy)")
    }
  }
}
