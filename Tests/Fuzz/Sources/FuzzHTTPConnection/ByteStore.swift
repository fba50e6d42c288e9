import GatewayCore
import NIOCore

/// A store in memory that keeps the bytes of each upload.
///
/// Unchecked: all of it happens on the one thread of the fuzzer.
final class ByteStore: Forwarder, @unchecked Sendable {
  struct Stored {
    var bytes: [UInt8] = []
    var safe = 0
    var isPlaced = false
  }

  var stored: [UploadKey: Stored] = [:]

  let traits = ForwarderTraits(survivesRestart: true, holdsFiles: true, truncates: true, granularity: 1)

  func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop, onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink {
    ByteSink(upload.key, from: Int(offset), in: self, on: eventLoop, onEvent: onEvent)
  }

  func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    stored[key] = nil
    return eventLoop.makeSucceededVoidFuture()
  }

  func recover(_ unfinished: [UploadRecord], besides others: Set<UploadKey>) throws -> RecoveredPlace {
    RecoveredPlace()
  }
}

/// Answers in order, each at the next turn of the event loop.
private final class ByteSink: Sink {
  private let key: UploadKey
  private let store: ByteStore
  private let eventLoop: any EventLoop
  private let onEvent: (SinkEvent) -> Void
  private var isOver = false

  init(
    _ key: UploadKey, from offset: Int, in store: ByteStore, on eventLoop: any EventLoop,
    onEvent: @escaping (SinkEvent) -> Void
  ) {
    (self.key, self.store, self.eventLoop, self.onEvent) = (key, store, eventLoop, onEvent)
    var stored = store.stored[key] ?? ByteStore.Stored()
    if stored.isPlaced {
      say(.found(size: Int64(stored.bytes.count), SinkResult(isProvableFromDisk: true)))
      return
    }
    precondition(stored.safe >= offset, "opened at \(offset), and \(stored.safe) are safe")
    stored.bytes.removeSubrange(offset...)
    stored.safe = offset
    store.stored[key] = stored
    say(.opened)
  }

  func write(_ bytes: ByteBuffer) {
    store.stored[key]?.bytes += bytes.readableBytesView
    if bytes.readableBytes > 0 { say(.consumed(upTo: written)) }
  }

  func checkpoint() {
    say(.safe(upTo: markSafe()))
  }

  func finish() {
    _ = markSafe()
    store.stored[key]?.isPlaced = true
    say(.finished(SinkResult(isProvableFromDisk: true)))
  }

  func suspend() {
    say(.suspended(at: markSafe()))
  }

  func abandon() {
    isOver = true
    store.stored[key] = nil
  }

  private var written: Int64 { Int64(store.stored[key]?.bytes.count ?? 0) }

  private func markSafe() -> Int64 {
    let size = written
    store.stored[key]?.safe = Int(size)
    return size
  }

  private func say(_ event: SinkEvent) {
    eventLoop.assumeIsolated().execute { [self] in if !isOver { onEvent(event) } }
  }
}
