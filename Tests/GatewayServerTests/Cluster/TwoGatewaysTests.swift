#if PostgreSQL
  import Foundation
  import GatewayCore
  import Ledgers
  import NIOCore
  import TestPrerequisites
  import Testing
  import XStream
  import XStreamClient

  /// Two gateways in processes of their own over one ledger in PostgreSQL, with a folder that both have.
  @Suite("Two gateways over one ledger", .timeLimit(.minutes(2)))
  struct TwoGatewaysTests {
    private struct Pair {
      let one: GatewayProcess
      let other: GatewayProcess
      let shared: GatewayFolder
      let database: DatabaseSettings

      /// Ledger and folder must fit together.
      func expectSound(unfinished: Int = 0) throws {
        let inspection = try PostgreSQLInspection(database)
        #expect(try inspection.violations() == [])
        let records = try inspection.uploads(state: nil, route: "/upload-file")
        #expect(records.count { $0.state == .open } == unfinished)
        let done = records.filter { $0.state == .done }
        #expect(shared.names(in: shared.uploads) == Set(done.map(\.key.text)))
        #expect(shared.names(in: shared.partial).count <= unfinished)
        let quota = try inspection.quotas().first { $0.subject.isEmpty && $0.window == 0 && $0.route == "/upload-file" }
        #expect(quota?.used ?? 0 == done.reduce(0) { $0 + $1.committed })
      }
    }

    private func withPair(backend: Int? = nil, _ body: (Pair) async throws -> Void) async throws {
      try await PostgreSQLServer.required()?.withPlace { connection in
        let shared = try GatewayFolder()
        func gateway(_ name: String) throws -> GatewayProcess {
          var setup = GatewaySetup()
          setup.more = "name: \(name)\nledger: {postgresql: \"\(connection)\", connections: 2}"
          setup.routes = "  /upload-file: {store: {directory: \(shared.uploads), shared: true}}\n"
          if let backend { setup.routes += "  /ingest: {pipe: {to: 127.0.0.1:\(backend)}}\n" }
          return try GatewayProcess(setup, in: GatewayFolder())
        }
        let pair = try Pair(
          one: gateway("one"), other: gateway("other"), shared: shared,
          database: DatabaseSettings(connection: connection))
        let gateways = [pair.one, pair.other]
        do {
          for gateway in gateways { try await gateway.start() }
          try await body(pair)
        } catch {
          for gateway in gateways where gateway.program?.isRunning == true { await gateway.kill() }
          throw error
        }
        for gateway in gateways where gateway.program?.isRunning == true { await gateway.kill() }
      }
    }

    /// Begins an upload of 1 MiB at a gateway, and waits until half of it is safe.
    private func begin(
      _ bytes: ByteBuffer, at gateway: GatewayProcess, route: String = "/upload-file"
    ) async throws -> (client: RawClient, key: String) {
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "\(bytes.readableBytes)", ack: 1, route: route)
      let offer = try #require(await client.packet())
      let key = try #require(offer["x-stream-key"])
      try await client.send(#require(bytes.getSlice(at: 0, length: bytes.readableBytes / 2)))
      var safe = 0
      while safe < bytes.readableBytes / 2 {
        safe = try #require(await client.packet()?["x-stream-offset"].flatMap { Int($0) })
      }
      return (client, key)
    }

    /// Goes on at a gateway, as a client does that comes again when it is told to.
    private func goOn(
      with key: String, _ bytes: ByteBuffer, at gateway: GatewayProcess, within limit: Duration
    ) async throws {
      let began = ContinuousClock.now
      while true {
        let client = try await RawClient.connect(gateway.port)
        try await client.open(total: "\(bytes.readableBytes)", key: key)
        let offer = try #require(await client.packet())
        if offer["status"] == "8" {
          try #require(ContinuousClock.now - began < limit, "still busy after \(limit)")
          continue
        }
        #expect(ContinuousClock.now - began < limit)
        let offset = try #require(offer["x-stream-offset"].flatMap { Int($0) }, "\(offer)")
        #expect(offset >= bytes.readableBytes / 2)
        try await client.send(#require(bytes.getSlice(at: offset, length: bytes.readableBytes - offset)))
        #expect(await client.answer()?.headers["status"] == "0")
        return
      }
    }

    @Test(
      "A client that is cut off at one goes on at the other within two seconds, also where the first has not noticed")
    func movesOn() async throws {
      try await withPair { pair in
        let bytes = pattern(1 << 20)
        let (cut, first) = try await begin(bytes, at: pair.one)
        try await cut.drop()
        try await goOn(with: first, bytes, at: pair.other, within: .seconds(2))
        // As after a change of networks: the first still waits for the next byte.
        let (silent, second) = try await begin(bytes, at: pair.one)
        try await goOn(with: second, bytes, at: pair.other, within: .seconds(3))
        _ = silent
        for key in [first, second] { #expect(try pair.shared.stored(key) == bytes) }
        try pair.expectSound()
      }
    }

    @Test("What a killed gateway had goes on at the other when its lease has run out, or at itself at once")
    func survivesKill() async throws {
      try await withPair { pair in
        let bytes = pattern(1 << 20)
        let (_, first) = try await begin(bytes, at: pair.one)
        let (_, second) = try await begin(bytes, at: pair.one)
        await pair.one.kill()
        try await pair.one.start()
        try await goOn(with: first, bytes, at: pair.one, within: .seconds(2))
        let (_, third) = try await begin(bytes, at: pair.one)
        await pair.one.kill()
        try await goOn(with: third, bytes, at: pair.other, within: .seconds(20))
        try await goOn(with: second, bytes, at: pair.other, within: .seconds(2))
        for key in [first, second, third] { #expect(try pair.shared.stored(key) == bytes) }
        try pair.expectSound()
      }
    }

    @Test("A gateway that was stopped for longer than its lease acknowledges nothing more of what another has taken")
    func isFenced() async throws {
      try await withPair { pair in
        let bytes = pattern(1 << 20)
        let (zombie, key) = try await begin(bytes, at: pair.one)
        pair.one.program?.signal(SIGSTOP)
        // Everything that is left is in its socket when it wakes up.
        zombie.push(try #require(bytes.getSlice(at: 1 << 19, length: 1 << 19)))
        try await goOn(with: key, bytes, at: pair.other, within: .seconds(20))
        pair.one.program?.signal(SIGCONT)
        while let packet = await zombie.packet() {
          let safe = packet["x-stream-offset"].flatMap { Int($0) } ?? 0
          #expect(safe <= 1 << 19, "it acknowledged \(packet)")
          #expect(packet["status"] != "0")
        }
        #expect(try pair.shared.stored(key) == bytes)
        #expect(await eventually { pair.one.log.contains("lease has run out") })
        // It has a lease again.
        let again = try await begin(bytes, at: pair.one)
        try await again.client.drop()
        try await goOn(with: again.key, bytes, at: pair.other, within: .seconds(5))
        try pair.expectSound()
      }
    }

    @Test("What is piped stays with the gateway that has the backend's connection")
    func keepsPipes() async throws {
      let backend = try await PipeBackend.start()
      try await withPair(backend: backend.port) { pair in
        let bytes = pattern(1 << 20)
        let (cut, key) = try await begin(bytes, at: pair.one, route: "/ingest")
        try await cut.drop()
        let stranger = try await RawClient.connect(pair.other.port)
        try await stranger.open(total: "\(bytes.readableBytes)", key: key, route: "/ingest")
        let refusal = try #require(await stranger.packet())
        #expect(refusal["status"] == "8", "\(refusal)")
        #expect(refusal["retry-after"] == "1", "\(refusal)")
        let client = try await RawClient.connect(pair.one.port)
        try await client.open(total: "\(bytes.readableBytes)", key: key, route: "/ingest")
        let offer = try #require(await client.packet())
        let offset = try #require(offer["x-stream-offset"].flatMap { Int($0) }, "\(offer)")
        try await client.send(#require(bytes.getSlice(at: offset, length: bytes.readableBytes - offset)))
        #expect(await client.answer()?.headers["status"] == "0")
      }
      try await backend.stop()
    }
  }
#endif
