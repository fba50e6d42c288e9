@testable import Forwarders
import Foundation
import GatewayCore
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite("One upload to a gzip store", .timeLimit(.minutes(1)))
struct ParallelCompressionTests {
  /// Begins only when as many others have begun as there are to be: where they are used one by one, it gives up.
  private final class MeetingDeflater: Deflater {
    private let deflater: any Deflater
    private let meeting: Meeting

    init(_ deflater: any Deflater, _ meeting: Meeting) {
      self.deflater = deflater
      self.meeting = meeting
    }

    func begin() throws(CompressionFault) {
      guard meeting.isComplete() else { throw CompressionFault(code: -1) }
      try deflater.begin()
    }

    func add(_ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) throws(CompressionFault) {
      try deflater.add(bytes, to: &output)
    }

    func end(endsStream: Bool, to output: inout ByteBuffer) throws(CompressionFault) {
      try deflater.end(endsStream: endsStream, to: &output)
    }
  }

  /// `@unchecked Sendable`, because the condition guards the count.
  private final class Meeting: @unchecked Sendable {
    private let condition = NSCondition()
    private var missing: Int

    init(of count: Int) {
      missing = count
    }

    func isComplete() -> Bool {
      condition.withLock {
        missing -= 1
        condition.broadcast()
        let limit = Date(timeIntervalSinceNow: 20)
        while missing > 0 {
          guard condition.wait(until: limit) else { return false }
        }
        return true
      }
    }
  }

  @Test("is compressed by as many threads at once as there are processors", arguments: [2, 4])
  func together(processors: Int) async throws {
    let path = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let threads = StoreThreads(count: 2, cores: processors)
    threads.start()
    let engine = CompressionEngine.zlib(level: 1)
    let meeting = Meeting(of: processors)
    for _ in 0..<processors {
      let deflater = MeetingDeflater(try engine.makeDeflater(), meeting)
      threads.idleWriters.giveBack(MemberWriter(rawOffset: 0, deflater: deflater), of: engine)
    }
    let store = try DirectoryStore(.init(directory: path, engine: engine), threads: threads)
    let line = Array("a line that comes again and again, for a window's worth of bytes\n".utf8)
    let bytes = Array((0...(store.settings.window / line.count)).map { _ in line }.joined())
    let upload = SinkUpload(key: .mint(), total: nil, digest: try digest(of: bytes))
    let sink = try await SinkDriver.open(store, upload)
    try await sink.write(bytes)
    let finished = try await sink.finish()
    #expect(finished == upload.facts.digest)
    #expect(try Gunzip.bytes("\(path)/\(upload.key.text).gz") == bytes)
    try await threads.stop()
  }

  @Test("leaves a thread to another upload that waits for one, and goes on where none does")
  func fairness() async throws {
    let threads = StoreThreads(count: 1, cores: 1)
    threads.start()
    let work = GzipJobs(GzipScheduler(from: 0, memberSize: 1000, limit: 2), engine: .zlib(level: 1), threads: threads)
    work.withScheduler { $0.append(ByteBuffer(bytes: pattern(3000))) }
    let mayBegin = DispatchSemaphore(value: 0)
    let compressed = Atomic<Int>(0)
    let piece = try #require(work.withScheduler { $0.next(isIdle: true) })
    let first = compute(threads) {
      mayBegin.wait()
      try? work.compress(piece) { compressed.add(1, ordering: .relaxed) }
    }
    let other = compute(threads) {}
    mayBegin.signal()
    try await first.get()
    try await other.get()
    #expect(compressed.load(ordering: .relaxed) == 1)
    let next = try #require(work.withScheduler { $0.next(isIdle: true) })
    try await compute(threads) { try? work.compress(next) { compressed.add(1, ordering: .relaxed) } }.get()
    #expect(compressed.load(ordering: .relaxed) == 3)
    try await threads.stop()
    await #expect(throws: SinkFailure.self) { try await compute(threads) {}.get() }
    #expect(!threads.isComputingAwaited)
  }

  private func compute(_ threads: StoreThreads, _ job: @escaping @Sendable () -> Void) -> EventLoopFuture<Void> {
    let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    let promise = eventLoop.makePromise(of: Void.self)
    threads.compute(job, on: eventLoop) { promise.completeWith($0.mapError { $0 as any Error }) }
    return promise.futureResult
  }
}
