import GatewayCore
import NIOCore
import Synchronization

@testable import Forwarders

/// What is far away and outlives every gateway: complete objects, and parts of unfinished ones, all of one size.
final class MemoryBucket: Sendable {
  static let partSize: Int64 = 5 << 20

  struct Unfinished {
    /// By the name that the bucket gave them: who knows the names may make an object of them.
    var parts: [Int: ByteBuffer] = [:]
  }

  private struct State {
    var objects: [UploadKey: ByteBuffer] = [:]
    var unfinished: [UploadKey: Unfinished] = [:]
    var lastName = 0
  }

  private let state = Mutex(State())

  func object(_ key: UploadKey) -> ByteBuffer? { state.withLock { $0.objects[key] } }
  var unfinishedKeys: Set<UploadKey> { state.withLock { Set($0.unfinished.keys) } }

  func begin(_ key: UploadKey) {
    state.withLock { if $0.unfinished[key] == nil { $0.unfinished[key] = Unfinished() } }
  }

  /// - Returns: the part's name.
  func put(_ part: ByteBuffer, of key: UploadKey) -> Int {
    state.withLock { state in
      state.lastName += 1
      state.unfinished[key]?.parts[state.lastName] = part
      return state.lastName
    }
  }

  /// `nil` where one of them is not there.
  func parts(_ names: [Int], of key: UploadKey) -> [ByteBuffer]? {
    state.withLock { state in
      let parts = names.compactMap { state.unfinished[key]?.parts[$0] }
      return parts.count == names.count ? parts : nil
    }
  }

  func complete(_ bytes: ByteBuffer, _ key: UploadKey) {
    state.withLock { state in
      state.objects[key] = bytes
      state.unfinished[key] = nil
    }
  }

  func remove(_ key: UploadKey) {
    state.withLock { $0.unfinished[key] = nil }
  }

  func removeObject(_ key: UploadKey) {
    state.withLock { $0.objects[key] = nil }
  }
}

/// A store that keeps whole parts alone, as an object store does: what is in ``/GatewayCore/UploadRecord/storeState`` is all
/// that it knows of an upload after a restart.
struct MemoryStore: Forwarder {
  let bucket: MemoryBucket

  var traits: ForwarderTraits {
    ForwarderTraits(survivesRestart: true, holdsFiles: true, truncates: true, granularity: MemoryBucket.partSize)
  }

  func initialState(of upload: SinkUpload) -> String? { PartList().text }

  func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop, onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink {
    MemorySink(bucket, upload, from: offset, on: eventLoop, onEvent: onEvent)
  }

  func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    bucket.remove(key)
    return eventLoop.makeSucceededVoidFuture()
  }

  func remove(_ upload: UploadRecord, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    bucket.removeObject(upload.key)
    return discard(upload.key, on: eventLoop)
  }

  func recover(_ unfinished: [UploadRecord], besides others: Set<UploadKey>) async throws -> RecoveredPlace {
    var found = RecoveredPlace()
    for record in unfinished {
      if let object = bucket.object(record.key) {
        found.uploads[record.key] = .complete(size: Int64(object.readableBytes))
      } else if bucket.parts(PartList(record.storeState).names(upTo: record.committed), of: record.key) == nil {
        found.uploads[record.key] = .damaged("a part is gone")
      }
    }
    for key in bucket.unfinishedKeys.subtracting(unfinished.map(\.key)).subtracting(others) {
      bucket.remove(key)
      found.removed.append(RemovedFile(name: key.logID, size: 0, reason: "nobody's"))
    }
    return found
  }
}

/// The names of an upload's parts, in order.
struct PartList {
  var names: [Int] = []

  init() {}

  init(_ text: String?) {
    names = (text ?? "").split(separator: ",").compactMap { Int($0) }
  }

  var text: String { names.map(String.init).joined(separator: ",") }

  /// More may be known than the ledger calls safe: those behind it are cut.
  func names(upTo offset: Int64) -> [Int] { Array(names.prefix(Int(offset / MemoryBucket.partSize))) }
}

/// Writes one upload to a ``MemoryStore``. What waits for its part to become whole is the store's own, as it would be in a
/// file beside it, and counts as consumed.
private final class MemorySink: Sink {
  private let bucket: MemoryBucket
  private let upload: SinkUpload
  private let eventLoop: any EventLoop
  private let onEvent: (SinkEvent) -> Void
  private var parts = PartList()
  private var tail = ByteBuffer()
  private var isOver = false
  private var hasFailed = false

  init(
    _ bucket: MemoryBucket, _ upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop,
    onEvent: @escaping (SinkEvent) -> Void
  ) {
    (self.bucket, self.upload, self.eventLoop, self.onEvent) = (bucket, upload, eventLoop, onEvent)
    if let object = bucket.object(upload.key) {
      say(.found(size: Int64(object.readableBytes), result))
      return
    }
    parts.names = PartList(upload.state).names(upTo: offset)
    guard safe == offset, bucket.parts(parts.names, of: upload.key) != nil else {
      say(.failed(.storage("its parts have \(safe) bytes, and it goes on at \(offset)")))
      return
    }
    bucket.begin(upload.key)
    say(.opened)
  }

  private var safe: Int64 { Int64(parts.names.count) * MemoryBucket.partSize }
  private var computed: ContentDigest?
  private var result: SinkResult {
    SinkResult(digest: upload.facts.digest ?? computed, location: "memory/\(upload.key.text)", isProvableFromDisk: true)
  }

  func write(_ bytes: ByteBuffer) {
    tail.writeImmutableBuffer(bytes)
    let size = Int(MemoryBucket.partSize)
    while let part = tail.readSlice(length: size) { parts.names.append(bucket.put(part, of: upload.key)) }
    tail.discardReadBytes()
    if bytes.readableBytes > 0 { say(.consumed(upTo: safe + Int64(tail.readableBytes))) }
  }

  func checkpoint() {
    say(.safe(upTo: safe, state: parts.text))
  }

  func finish() {
    var bytes = ByteBuffer()
    for part in bucket.parts(parts.names, of: upload.key) ?? [] { bytes.writeImmutableBuffer(part) }
    bytes.writeImmutableBuffer(tail)
    do throws(SinkFailure) {
      let announced = upload.facts.digest
      let inspection = Inspection(digests: announced != nil || upload.transfer.digest == .wanted, checked: nil)
      try bytes.withUnsafeReadableBytes { bytes throws(SinkFailure) in try inspection.take(bytes) }
      computed = try inspection.finish()
      if let computed, let announced, computed != announced { throw .digest(computed: computed) }
    } catch {
      return say(.failed(error))
    }
    bucket.complete(bytes, upload.key)
    say(.finished(result))
  }

  func suspend() {
    say(.suspended(at: safe, state: parts.text))
  }

  func abandon() {
    isOver = true
    bucket.remove(upload.key)
  }

  private func say(_ event: SinkEvent) {
    eventLoop.assumeIsolated().execute { [self] in
      guard !isOver else { return }
      switch event {
      case .failed: hasFailed = true
      case .finished, .found, .suspended: isOver = true
      case .opened, .consumed, .safe: if hasFailed { return }
      }
      onEvent(event)
    }
  }
}

/// A ``MemoryStore`` and its bucket.
final class MemoryPlace: ForwarderPlace {
  let bucket: MemoryBucket
  let store: MemoryStore
  var forwarder: any Forwarder { store }

  init(_ bucket: MemoryBucket = MemoryBucket()) {
    self.bucket = bucket
    store = MemoryStore(bucket: bucket)
  }

  func complete(_ key: UploadKey) -> [UInt8]? { bucket.object(key).map { Array($0.readableBytesView) } }
  func holdsUnfinished(_ key: UploadKey) -> Bool { bucket.unfinishedKeys.contains(key) }
  func restarted() async throws -> any ForwarderPlace { MemoryPlace(bucket) }
}
