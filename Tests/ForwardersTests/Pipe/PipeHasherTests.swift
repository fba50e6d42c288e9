import GatewayCore
import NIOCore
import NIOPosix
import Testing

@testable import Forwarders

@Suite("The hash of a piped upload", .timeLimit(.minutes(1)))
struct PipeHasherTests {
  private let eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()

  @Test(
    "is of all bytes in their order, in pieces that are hashed at once and such as are not",
    arguments: [[], [0], [5], [16 << 10, 3], [300_000, 1, 70_000, 16 << 10, 500_000, 7], [1, 1 << 20]])
  func order(_ sizes: [Int]) async throws {
    let bytes = pattern(sizes.reduce(0, +))
    let computed = try await eventLoop.flatSubmit { [eventLoop] () -> EventLoopFuture<ContentDigest?> in
      let promise = eventLoop.makePromise(of: ContentDigest?.self)
      var hasher: PipeHasher?
      var last: Int64 = 0
      let made = PipeHasher(on: eventLoop) {
        #expect((hasher?.hashed ?? 0) > last)
        last = hasher?.hashed ?? 0
      }
      hasher = made
      var offset = 0
      for size in sizes {
        made.add(ByteBuffer(bytes: bytes[offset..<offset + size]))
        offset += size
      }
      made.finish { digest in
        #expect(made.hashed == Int64(bytes.count))
        hasher = nil
        promise.succeed(digest)
      }
      return promise.futureResult
    }.get()
    #expect(try computed == digest(of: bytes))
  }

  @Test("is asked for by nobody any more, and says nothing, once it is cancelled")
  func cancelled() async throws {
    let bytes = ByteBuffer(bytes: pattern(1 << 20))
    let said = try await eventLoop.flatSubmit { [eventLoop] () -> EventLoopFuture<Bool> in
      var said = false
      let hasher = PipeHasher(on: eventLoop) { said = true }
      hasher.add(bytes)
      hasher.add(bytes)
      hasher.finish { _ in said = true }
      hasher.cancel()
      let bound = NIOLoopBound(hasher, eventLoop: eventLoop)
      return eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(100)) {
        said || bound.value.hashed > 0
      }.futureResult
    }.get()
    #expect(!said)
  }
}
