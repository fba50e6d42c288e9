internal import ContentDigests
internal import GatewayCore
internal import NIOCore
internal import NIOPosix

/// Computes a piped upload's SHA-256 beside the event loop: in order, one job at a time. Confined to the event loop, but
/// for the hash itself, which one job has at a time.
///
/// A read of 512 KiB takes 0.33 ms to hash where the processor has instructions for SHA-256, and several times that where
/// it has none; meanwhile the event loop would serve no neighbour. A small piece that finds nothing waiting is hashed at
/// once: 16 KiB take 10 µs, about what handing them to another thread and back would.
///
/// What waits here is in memory. The stream says of no byte that it is consumed before it is hashed, so that the upload's
/// window bounds that too.
final class PipeHasher {
  /// Pieces up to this size may be hashed on the event loop, in bytes.
  private static let smallPiece = 16 << 10

  /// Offset after the bytes that are hashed, and hold no memory here.
  private(set) var hashed: Int64 = 0
  private let eventLoop: any EventLoop
  private let onHashed: () -> Void
  private let hash = Hash()
  private var waiting = PendingBytes()
  private var isBusy = false
  private var isCancelled = false
  private var whenDone: ((ContentDigest?) -> Void)?

  /// Of an upload of which nothing has come.
  ///
  /// - Parameter onHashed: called each time when ``hashed`` has risen after a call was over.
  init(on eventLoop: any EventLoop, onHashed: @escaping () -> Void) {
    self.eventLoop = eventLoop
    self.onHashed = onHashed
  }

  /// The next bytes.
  func add(_ bytes: ByteBuffer) {
    guard isBusy || bytes.readableBytes > Self.smallPiece else {
      hash.hasher.update(bytes)
      hashed += Int64(bytes.readableBytes)
      return
    }
    waiting.append(bytes)
    startJob()
  }

  /// There are no more: calls `whenDone` with the digest, at once where nothing waits.
  func finish(whenDone: @escaping (ContentDigest?) -> Void) {
    guard isBusy else { return whenDone(digest) }
    self.whenDone = whenDone
  }

  /// Forgets what waits, and calls nobody any more.
  func cancel() {
    waiting.removeAll()
    whenDone = nil
    isCancelled = true
  }

  private var digest: ContentDigest? { ContentDigest(bytes: hash.hasher.finish()) }

  private func startJob() {
    guard !isBusy, !waiting.isEmpty else { return }
    isBusy = true
    let count = Int64(waiting.count)
    var batch: [ByteBuffer] = []
    waiting.move(into: &batch)
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    NIOThreadPool.singleton.submit { [hash, batch, eventLoop] _ in
      for bytes in batch { hash.hasher.update(bytes) }
      eventLoop.execute { bound.value.jobEnded(count) }
    }
  }

  private func jobEnded(_ count: Int64) {
    isBusy = false
    guard !isCancelled else { return }
    hashed += count
    startJob()
    onHashed()
    guard !isBusy, let whenDone else { return }
    self.whenDone = nil
    whenDone(digest)
  }

  /// `@unchecked Sendable`, because one at a time has it: the job that runs, or else the event loop. Both hand it over by
  /// their queues, which order memory.
  private final class Hash: @unchecked Sendable {
    let hasher = SHA256Hasher()
  }
}
