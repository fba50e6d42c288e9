import DevelopmentCertificates
import Foundation
import GatewayCore
import GatewayServer
import Logging
import NIOCore
import TLSTransport
import Testing
import XStream
import XStreamClient

@Suite("A gateway with a pipe", .timeLimit(.minutes(2)))
struct PipeThroughGatewayTests {
  private let folder = NSTemporaryDirectory() + "sluice-pipe-" + UUID().uuidString

  private func start(to ports: [Int], limits: String = "{}") async throws -> RunningGateway {
    let backends = ports.map { "127.0.0.1:\($0)" }.joined(separator: ", ")
    let yaml = """
      listen: 127.0.0.1:0
      tls: {certificate: server.pem, private-key: server.key}
      state: \(folder)/state
      routes:
        /ingest:
          limits: \(limits)
          resume-for: 60s
          pipe: {to: [\(backends)], connect-timeout: 1s}
      """
    let configuration = try Configuration.parse(yaml, file: "test.yaml", base: Certificates.directory)
    return try await RunningGateway.start(
      configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func url(_ port: Int?) throws -> XStreamURL {
    try XStreamURL("xstream://127.0.0.1:\(port ?? 0)/ingest")
  }

  private func client() throws -> UploadClient {
    try UploadClient(ClientConfiguration(trust: .caFile(Certificates.ca)))
  }

  private func options(patience: Duration = .seconds(30)) -> UploadOptions {
    UploadOptions(
      retry: RetryPolicy(initialDelay: .milliseconds(1), maximumDelay: .milliseconds(5), patience: patience))
  }

  /// Bytes that no other number has, and of which no two neighbouring pieces are alike.
  private func bytes(_ count: Int, number: Int) -> ByteBuffer {
    var bytes = ByteBuffer()
    bytes.reserveCapacity(count + 8)
    var state = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
    while bytes.readableBytes < count {
      bytes.writeInteger(state)
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
    }
    return bytes.getSlice(at: 0, length: count) ?? bytes
  }

  /// With `SLUICE_TEST_CUTS=1000` the thousand cuts; a tenth of that otherwise.
  private static let cuts = ProcessInfo.processInfo.environment["SLUICE_TEST_CUTS"].flatMap { Int($0) } ?? 100

  @Test("brings 16 uploads to the backend byte for byte, however often their clients are cut off")
  func cutOff() async throws {
    let backend = try await PipeBackend.start()
    let gateway = try await start(to: [backend.port])
    let cuts = Self.cuts
    let proxy = try await CuttingProxy.start(to: gateway.address, cuts: cuts, after: 500...60_000)
    let (url, client) = (try url(proxy.port), try client())
    // A third more than the cuts are for: they are used up before the last upload is through.
    let size = cuts * 40_000 / 16
    let connections = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
      for number in 0..<16 {
        group.addTask {
          let body = bytes(size + number * 1001, number: number)
          var options = options()
          options.computesDigest = number % 2 == 0
          let outcome = try await client.upload(.bytes(body), to: url, options: options)
          #expect(outcome.reply == ByteBuffer(string: "got \(body.readableBytes)"))
          return (number, outcome.connections)
        }
      }
      return try await group.reduce(0) { $0 + $1.1 }
    }
    #expect(proxy.cutsLeft == 0)
    #expect(connections >= cuts)
    var arrived = backend.connections.filter { $0.endedInOrder == true }.map(\.bytes)
    #expect(arrived.count == 16)
    for number in 0..<16 {
      let expected = bytes(size + number * 1001, number: number)
      arrived.removeAll { $0 == expected }
    }
    #expect(arrived.map(\.readableBytes) == [])
    try await proxy.stop()
    await gateway.stop()
    try await backend.stop()
  }

  @Test("does not count what passed through against what the route may hold")
  func holdsNothing() async throws {
    let backend = try await PipeBackend.start()
    let gateway = try await start(to: [backend.port], limits: "{upload: 1 MiB, held: 1 MiB}")
    for number in 0..<3 {
      let outcome = try await client().upload(
        .bytes(bytes(900_000, number: number)), to: url(gateway.address.port), options: options())
      #expect(outcome.reply == ByteBuffer(string: "got 900000"))
    }
    let small = try await client().send(ByteBuffer(string: "small"), to: url(gateway.address.port))
    #expect(small.reply == ByteBuffer(string: "got 5"))
    await gateway.stop()
    try await backend.stop()
  }

  @Test("refuses uploads with status 12 where no backend takes them")
  func down() async throws {
    let backend = try await PipeBackend.start()
    try await backend.stop()
    let gateway = try await start(to: [backend.port])
    let status = await status {
      _ = try await client().send(ByteBuffer(string: "small"), to: url(gateway.address.port))
    }
    #expect(status == .backend)
    await gateway.stop()
  }

  @Test("resets the streams that wait when it stops, and says status 17 for their keys when it is back")
  func restart() async throws {
    let backend = try await PipeBackend.start()
    let gateway = try await start(to: [backend.port])
    let (chunks, feed) = AsyncStream.makeStream(of: ByteBuffer.self)
    let (keys, found) = AsyncStream.makeStream(of: ResumePoint.self)
    let (client, url) = (try client(), try url(gateway.address.port))
    let upload = Task {
      try await client.upload(.sequence(chunks, total: 1_000_000), to: url, options: options(patience: .zero)) {
        event in
        if case .offered(let offer) = event, let key = offer.key.stream { found.yield(ResumePoint(key: key)) }
      }
    }
    feed.yield(bytes(100_000, number: 1))
    var iterator = keys.makeAsyncIterator()
    let point = try #require(await iterator.next())
    while backend.connections.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
    await gateway.stop()
    feed.finish()
    _ = await upload.result
    while backend.connections.map(\.endedInOrder) != [false] { try await Task.sleep(for: .milliseconds(1)) }
    let again = try await start(to: [backend.port])
    #expect(again.recovery.broken.map(\.text) == [point.key.text])
    let asked = await status { _ = try await client.ask(point.key, total: 1_000_000, at: self.url(again.address.port)) }
    #expect(asked == .gone)
    await again.stop()
    try await backend.stop()
  }

  private func status(_ body: () async throws -> Void) async -> Status? {
    do {
      try await body()
      return .ok
    } catch {
      return (error as? UploadError)?.status
    }
  }
}
