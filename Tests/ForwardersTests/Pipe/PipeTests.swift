import DevelopmentCertificates
import Forwarders
import Foundation
import GatewayCore
import NIOCore
import NIOPosix
import Testing

@Suite("A pipe", .timeLimit(.minutes(1)))
struct PipeTests {
  private let key = UploadKey.mint()

  private func upload(_ total: Int? = nil, digest: ContentDigest? = nil) -> SinkUpload {
    SinkUpload(key: key, total: total.map(Int64.init), digest: digest)
  }

  /// Runs `body` with a pipe, and stops it.
  private func withPipe(
    to backends: [BackendAddress], _ change: (inout PipeForwarder.Settings) -> Void = { _ in },
    memory: MemoryBudget = MemoryBudget(limit: .max), _ body: (PipeForwarder) async throws -> Void
  ) async throws {
    var settings = PipeForwarder.Settings(backends: backends)
    change(&settings)
    let pipe = try PipeForwarder(settings, eventLoops: MultiThreadedEventLoopGroup.singleton, memory: memory)
    do { try await body(pipe) } catch {
      await pipe.stop()
      throw error
    }
    await pipe.stop()
  }

  private func reason(_ failure: SinkFailure) -> String {
    if case .backend(let what) = failure { what } else { "not of the backend: \(failure)" }
  }

  private func result(of sink: SinkDriver) async throws -> SinkResult {
    try await sink.call { $0.finish() }
    let event = await sink.nextButConsumed()
    guard case .finished(let result) = event else { throw SinkDriver.Unexpected(event: event) }
    return result
  }

  @Test("relays the backend's answer, up to its limit")
  func answer() async throws {
    let backend = try await TestBackend.start(.answer(Array("stored as 42".utf8)))
    try await withPipe(to: [backend.address]) { pipe in
      let sink = try await SinkDriver.open(pipe, upload(5))
      try await sink.write([1, 2, 3, 4, 5])
      #expect(try await result(of: sink).reply == ByteBuffer(string: "stored as 42"))
    }
    try await withPipe(to: [backend.address], { $0.reply = 0 }) { pipe in
      let sink = try await SinkDriver.open(pipe, upload(5))
      try await sink.write([1, 2, 3, 4, 5])
      #expect(try await result(of: sink).reply == nil)
    }
    try await withPipe(to: [backend.address], { $0.reply = 11 }) { pipe in
      let sink = try await SinkDriver.open(pipe, upload(5))
      try await sink.write([1, 2, 3, 4, 5])
      try await sink.call { $0.finish() }
      #expect(reason(try await sink.failure()).contains("more than the 11 bytes"))
    }
  }

  @Test("takes no more into memory than the backend's sockets do, and says of none that it is safe")
  func backpressure() async throws {
    let backend = try await TestBackend.start(.sleep)
    try await withPipe(to: [backend.address]) { pipe in
      let sink = try await SinkDriver.open(pipe, upload())
      let bytes = pattern(65_536)
      for _ in 0..<256 { try await sink.write(bytes) }
      try await Task.sleep(for: .milliseconds(100))
      #expect(try await sink.consumed() < 256 * 65_536)
      try await sink.call { $0.checkpoint() }
      backend.wake()
      #expect(try await sink.nextSafe() == 256 * 65_536)
      #expect(try await sink.consumed() == 256 * 65_536)
      _ = try await result(of: sink)
      #expect(backend.connections.map(\.bytes.count) == [256 * 65_536])
    }
  }

  enum Fate: CaseIterable {
    case read, discarded, broken
  }

  @Test(
    "counts what a client left behind for as long as it is there, and takes no new upload where that is much",
    arguments: Fate.allCases)
  func leftBehind(fate: Fate) async throws {
    let backend = try await TestBackend.start(.sleep)
    let memory = MemoryBudget(limit: 8 << 20)
    try await withPipe(to: [backend.address], memory: memory) { pipe in
      let sink = try await SinkDriver.open(pipe, upload())
      let loop = sink.eventLoop
      for _ in 0..<256 { try await sink.write(pattern(65_536)) }
      #expect(memory.bytesInUse == 0)
      #expect(try await sink.suspend() == 256 * 65_536)
      let consumed = Int(try await sink.consumed())
      #expect(memory.bytesInUse > 4 << 20 && memory.bytesInUse <= 256 * 65_536 - consumed)
      func reserve(_ key: UploadKey) async throws -> Int64 {
        try await pipe.reserveSpace(SpaceRequest(key: key, bytes: 7, takesPart: true, subject: ""), on: loop).get()
      }
      await #expect(throws: Refusal.busy(retryAfter: 5)) { try await reserve(.mint()) }
      #expect(try await reserve(key) == 7)
      switch fate {
      case .read: backend.wake()
      case .discarded: try await pipe.discard(key, on: loop).get()
      case .broken: backend.breakOff()
      }
      try await eventually { memory.bytesInUse == 0 }
      #expect(try await reserve(.mint()) == 7)
      if fate == .read {
        let next = try await SinkDriver.open(pipe, upload(), from: 256 * 65_536)
        _ = try await result(of: next)
        #expect(backend.connections.map(\.bytes.count) == [256 * 65_536])
      }
    }
    #expect(memory.bytesInUse == 0)
  }

  @Test("fails where the backend ends or breaks before it has everything", arguments: [true, false])
  func breaksOff(inOrder: Bool) async throws {
    let backend = try await TestBackend.start(inOrder ? .closeAfter(1000) : .resetAfter(1000))
    try await withPipe(to: [backend.address]) { pipe in
      let sink = try await SinkDriver.open(pipe, upload(5000))
      try await sink.write(pattern(1000))
      #expect(reason(try await sink.failure()).contains("bytes that it is known to have taken"))
      try await sink.call { $0.abandon() }
    }
  }

  @Test("does not take the end of a backend that left bytes unread for success")
  func closesWithBytesOnTheirWay() async throws {
    let backend = try await TestBackend.start(.closeAfter(1))
    try await withPipe(to: [backend.address]) { pipe in
      let sink = try await SinkDriver.open(pipe, upload(20_000_000))
      try await sink.write(pattern(20_000_000))
      try await sink.call { $0.finish() }
      _ = try await sink.failure()
    }
  }

  @Test("takes a backend that closes at the last byte that was announced for one that has everything")
  func closesAtTheEnd() async throws {
    for _ in 1...20 {
      let backend = try await TestBackend.start(.closeAfter(5000))
      try await withPipe(to: [backend.address]) { pipe in
        let sink = try await SinkDriver.open(pipe, upload(5000))
        try await sink.write(pattern(5000))
        _ = try await result(of: sink)
      }
    }
  }

  @Test("skips a backend that is down, and comes back to it")
  func down() async throws {
    let gone = try await TestBackend.nobody()
    let other = try await TestBackend.start()
    let quick = { (settings: inout PipeForwarder.Settings) in
      settings.balance = .roundRobin
      settings.health.every = .milliseconds(20)
    }
    try await withPipe(to: [gone, other.address], quick) { pipe in
      for _ in 1...4 {
        let sink = try await SinkDriver.open(pipe, SinkUpload(key: .mint(), total: nil))
        _ = try await result(of: sink)
      }
      func uploads(at backend: TestBackend) -> Int { backend.connections.count { $0.ending == .inOrder } }
      #expect(uploads(at: other) == 4)
      let back = try await TestBackend.start(at: gone)
      while uploads(at: back) < 2 {
        let sink = try await SinkDriver.open(pipe, SinkUpload(key: .mint(), total: nil))
        _ = try await result(of: sink)
      }
    }
  }

  @Test("fails to open where every backend is down")
  func allDown() async throws {
    try await withPipe(to: [try await TestBackend.nobody(), .unix(path: "/nonexistent/socket")]) { pipe in
      let sink = try await SinkDriver.start(pipe, upload())
      #expect(reason(try await sink.failure()).contains("no backend can be reached"))
      try await sink.call { $0.abandon() }
    }
  }

  @Test("goes on with a parked stream from other event loops, in order")
  func otherLoops() async throws {
    let backend = try await TestBackend.start()
    let loops = MultiThreadedEventLoopGroup(numberOfThreads: 4)
    let bytes = pattern(2_000_000)
    try await withPipe(to: [backend.address]) { pipe in
      let whole = upload(bytes.count, digest: try digest(of: bytes))
      var offset = 0
      while offset < bytes.count {
        let sink = try await SinkDriver.start(pipe, whole, from: Int64(offset), on: loops.next())
        guard case .opened? = await sink.next() else { throw SinkDriver.Unexpected(event: nil) }
        for size in [1, 70_000, 3000] where offset < bytes.count {
          let end = min(bytes.count, offset + size)
          try await sink.write(Array(bytes[offset..<end]))
          offset = end
        }
        if offset < bytes.count {
          #expect(try await sink.suspend() == Int64(offset))
        } else {
          #expect(try await result(of: sink).digest == whole.facts.digest)
        }
      }
      let isSame = backend.connections.map(\.bytes) == [bytes]
      #expect(isSame)
    }
    try await loops.shutdownGracefully()
  }

  @Test("goes on at the byte that the backend's stream is at, and at no other")
  func otherOffset() async throws {
    let backend = try await TestBackend.start()
    try await withPipe(to: [backend.address]) { pipe in
      let sink = try await SinkDriver.open(pipe, upload(5000))
      try await sink.write(pattern(1000))
      #expect(try await sink.suspend() == 1000)
      let next = try await SinkDriver.start(pipe, upload(5000), from: 999)
      #expect(reason(try await next.failure()).contains("goes on at 999"))
      try await next.call { $0.abandon() }
      let last = try await SinkDriver.start(pipe, upload(5000), from: 1000)
      #expect(reason(try await last.failure()).contains("gone"))
      try await eventually { backend.connections.map(\.ending) == [.broken] }
    }
  }

  @Test("tells the next client of a backend that broke while nobody was there")
  func breaksWhileParked() async throws {
    let backend = try await TestBackend.start()
    try await withPipe(to: [backend.address]) { pipe in
      let sink = try await SinkDriver.open(pipe, upload(5000))
      try await sink.write(pattern(1000))
      _ = try await sink.checkpoint()
      _ = try await sink.suspend()
      // Safe is what the kernel has: the backend itself may not even have accepted by then.
      try await eventually { backend.connections.map(\.bytes.count) == [1000] }
      backend.breakOff()
      try await eventually { backend.connections.allSatisfy { $0.ending != nil } }
      let next = try await SinkDriver.start(pipe, upload(5000), from: 1000)
      // The break may still be on its way when the client comes.
      var event = await next.next()
      if case .opened = event { event = await next.next() }
      guard case .failed(.backend) = event else { throw SinkDriver.Unexpected(event: event) }
    }
  }

  @Test("resets the backend's connection when the upload is discarded, or the gateway stops", arguments: [true, false])
  func discarded(stops: Bool) async throws {
    let backend = try await TestBackend.start()
    try await withPipe(to: [backend.address]) { pipe in
      let sink = try await SinkDriver.open(pipe, upload())
      try await sink.write(pattern(1000))
      _ = try await sink.checkpoint()
      _ = try await sink.suspend()
      if stops { await pipe.stop() } else { try await pipe.discard(key, on: sink.eventLoop).get() }
      try await eventually { backend.connections.map(\.ending) == [.broken] }
    }
  }

  @Test("resets the backend's connection where the digest is another")
  func wrongDigest() async throws {
    let backend = try await TestBackend.start()
    try await withPipe(to: [backend.address]) { pipe in
      let sink = try await SinkDriver.open(pipe, upload(1000, digest: try digest(of: pattern(1000, seed: 2))))
      try await sink.write(pattern(1000))
      _ = try await sink.checkpoint()
      try await sink.call { $0.finish() }
      #expect(try await sink.failure() == .digest(computed: digest(of: pattern(1000))))
      try await eventually { backend.connections.first?.ending != nil }
      #expect(backend.connections.map(\.ending) == [.broken])
    }
  }

  @Test("gives up a backend that takes nothing, and one that does not close", arguments: [true, false])
  func silence(asleep: Bool) async throws {
    let backend = try await TestBackend.start(asleep ? .sleep : .neverClose)
    try await withPipe(to: [backend.address], { $0.timeout = .milliseconds(200) }) { pipe in
      let sink = try await SinkDriver.open(pipe, upload())
      try await sink.write(pattern(asleep ? 20_000_000 : 1000))
      try await sink.call { $0.finish() }
      guard case .backendTimeout = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
      backend.wake()
      try await eventually { backend.connections.allSatisfy { $0.ending != nil } }
    }
  }

  @Test("`done: sent` does not wait for the backend to close", arguments: [false, true])
  func sent(overTLS: Bool) async throws {
    let backend = try await TestBackend.start(.neverClose, tls: overTLS ? Certificates.serverContext() : nil)
    let settings = { (settings: inout PipeForwarder.Settings) in
      settings.done = .sent
      if overTLS { settings.tls = .init(authorities: Certificates.ca, serverName: "localhost") }
      settings.reply = 0
    }
    try await withPipe(to: [backend.address], settings) { pipe in
      let sink = try await SinkDriver.open(pipe, upload())
      try await sink.write(pattern(1_000_000))
      _ = try await result(of: sink)
      try await eventually { backend.connections.map(\.ending) == [.inOrder] }
      #expect(backend.connections.map(\.bytes.count) == [1_000_000])
    }
  }

  @Test("sends nothing to a backend whose certificate is another's")
  func wrongCertificate() async throws {
    let backend = try await TestBackend.start(tls: Certificates.serverContext())
    try await withPipe(
      to: [backend.address], { $0.tls = .init(authorities: Certificates.ca, serverName: "other.test") }
    ) { pipe in
      let sink = try await SinkDriver.start(pipe, upload())
      #expect(reason(try await sink.failure()).contains("not trusted"))
      try await sink.call { $0.abandon() }
    }
    #expect(backend.connections.isEmpty)
  }

  @Test("a TLS backend never sees a clean end of an upload that is not whole")
  func tlsAbandon() async throws {
    let backend = try await TestBackend.start(tls: Certificates.serverContext())
    try await withPipe(
      to: [backend.address], { $0.tls = .init(authorities: Certificates.ca, serverName: "localhost") }
    ) { pipe in
      let sink = try await SinkDriver.open(pipe, upload())
      try await sink.write(pattern(100_000))
      _ = try await sink.checkpoint()
      try await sink.call { $0.abandon() }
      try await eventually { backend.connections.map(\.ending) == [.broken] }
    }
  }

  @Test("nor does one that ends its side of the TCP connection in the middle")
  func tlsTruncated() async throws {
    let backend = try await TestBackend.start(.endTransportAfter(1000), tls: Certificates.serverContext())
    try await withPipe(
      to: [backend.address], { $0.tls = .init(authorities: Certificates.ca, serverName: "localhost") }
    ) { pipe in
      let sink = try await SinkDriver.open(pipe, upload())
      try await sink.write(pattern(1000))
      #expect(reason(try await sink.failure()).contains("without close_notify"))
      try await eventually { backend.connections.first?.ending != nil }
      #expect(backend.connections.map(\.ending) == [.broken])
    }
  }

  @Test("says the client's addresses and TLS in a PROXY header, version 2")
  func proxyHeader() async throws {
    let backend = try await TestBackend.start()
    try await withPipe(to: [backend.address], { $0.header = .proxyV2 }) { pipe in
      var upload = upload(3)
      upload.transfer.connection.remote = try SocketAddress(ipAddress: "192.0.2.7", port: 0x1234)
      upload.transfer.connection.local = try SocketAddress(ipAddress: "198.51.100.1", port: 8443)
      upload.transfer.connection.alpn = "x-stream/1"
      upload.transfer.connection.serverName = "up.test"
      upload.transfer.connection.tlsVersion = "TLSv1.3"
      upload.transfer.connection.tlsCipher = "C1"
      upload.transfer.connection.hasCertificate = true
      upload.transfer.connection.commonName = "a b"
      let sink = try await SinkDriver.open(pipe, upload)
      try await sink.write([7, 8, 9])
      _ = try await result(of: sink)
    }
    var tlvs: [UInt8] = [0x01, 0, 10] + Array("x-stream/1".utf8) + [0x02, 0, 7] + Array("up.test".utf8)
    tlvs += [0x05, 0, 12] + Array(key.logID.utf8)
    let inner: [UInt8] =
      [0x21, 0, 7] + Array("TLSv1.3".utf8) + [0x22, 0, 3] + Array("a b".utf8) + [0x23, 0, 2] + Array("C1".utf8)
    tlvs += [0x20, 0, UInt8(5 + inner.count), 0x07, 0, 0, 0, 0] + inner
    let addresses: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x34, 0x20, 0xFB]
    let expected: [UInt8] =
      [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x11, 0]
      + [UInt8(addresses.count + tlvs.count)] + addresses + tlvs + [7, 8, 9]
    #expect(backend.connections.map(\.bytes) == [expected])
  }
}
