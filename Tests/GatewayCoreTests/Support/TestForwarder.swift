import GatewayCore
import NIOCore

/// A store that counts bytes, and that notes whatever a sink must never be asked.
///
/// Unchecked: a test touches it from one thread at a time, which is that of its event loop.
final class TestForwarder: Forwarder, @unchecked Sendable {
  struct Stored: Equatable {
    var written: Int64 = 0
    var safe: Int64 = 0
    var isPlaced = false
  }

  enum Step: CaseIterable {
    case open, write, checkpoint, finish, suspend
  }

  var stored: [UploadKey: Stored] = [:]
  var sinks: [TestSink] = []
  /// What each sink was made for, in order.
  var opened: [SinkUpload] = []
  var live: [UploadKey: TestSink] = [:]
  /// Whether sinks wait for the test's word before they answer.
  var isHeld = false
  var faults: [(step: Step, failure: SinkFailure)] = []
  var found: [UploadKey: RecoveredUpload] = [:]
  var discarded: [UploadKey] = []
  /// What recovery was told to leave alone.
  var others: Set<UploadKey> = []
  var violations: [String] = []
  /// Bytes that may be promised in all.
  var room = Int64.max
  var promised: [UploadKey: Int64] = [:]
  var refusesPromises: (any Error)?

  func failNext(_ step: Step, _ failure: SinkFailure = .full) {
    faults.append((step, failure))
  }

  func fault(at step: Step) -> SinkFailure? {
    guard let index = faults.firstIndex(where: { $0.step == step }) else { return nil }
    return faults.remove(at: index).failure
  }

  func promise(_ wish: SpaceRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    if let refusesPromises { return eventLoop.makeFailedFuture(refusesPromises) }
    if promised[wish.key] != nil { violations.append("promised while an earlier promise stands") }
    let left = max(0, room - promised.values.reduce(0, +))
    let granted = wish.bytes <= left ? wish.bytes : wish.takesPart ? left : 0
    if granted > 0 { promised[wish.key] = granted }
    return eventLoop.makeSucceededFuture(granted)
  }

  func limitReservedSpace(to bytes: Int64, of key: UploadKey) {
    if bytes > promised[key, default: 0] { violations.append("a promise grew") }
    promised[key] = bytes > 0 ? bytes : nil
  }

  func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop, onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink {
    if live[upload.key] != nil { violations.append("two sinks at once for one upload") }
    if upload.state != initialState(of: upload) { violations.append("another state than at the offer: \(upload)") }
    let sink = TestSink(upload.key, from: offset, in: self, on: eventLoop, onEvent: onEvent)
    live[upload.key] = sink
    sinks.append(sink)
    opened.append(upload)
    sink.open()
    return sink
  }

  func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    if live[key] != nil { violations.append("discarded under a living sink") }
    discarded.append(key)
    stored[key] = nil
    return eventLoop.makeSucceededVoidFuture()
  }

  let swept = RemovedFile(name: "abandoned", size: 3, reason: "a test")

  func recover(_ unfinished: [UploadRecord], besides others: Set<UploadKey>) throws -> RecoveredPlace {
    self.others = others
    return RecoveredPlace(uploads: found, removed: [swept])
  }

  func initialState(of upload: SinkUpload) -> String? { "state of \(upload.key.logID)" }
}

/// Answers in order, each at the next turn of the event loop or at the test's word.
final class TestSink: Sink {
  let key: UploadKey
  private let store: TestForwarder
  private let eventLoop: any EventLoop
  private let onEvent: (SinkEvent) -> Void
  private(set) var calls: [String] = []
  private var events: [SinkEvent] = []
  private var isOpen = false
  private var isCheckpointing = false
  private var hasFailed = false
  private var isOver = false

  init(
    _ key: UploadKey, from offset: Int64, in store: TestForwarder, on eventLoop: any EventLoop,
    onEvent: @escaping (SinkEvent) -> Void
  ) {
    self.key = key
    self.store = store
    self.eventLoop = eventLoop
    self.onEvent = onEvent
    let safe = store.stored[key]?.safe ?? 0
    if safe < offset { store.violations.append("opened at \(offset), but only \(safe) are safe") }
    guard store.stored[key]?.isPlaced != true else { return }
    store.stored[key] = TestForwarder.Stored(written: offset, safe: offset)
  }

  /// Says the oldest event that is held back; false where there is none.
  func sayNext() -> Bool {
    guard !events.isEmpty else { return false }
    let event = events.removeFirst()
    switch event {
    case .opened: isOpen = true
    case .safe: isCheckpointing = false
    case .finished, .found, .suspended:
      store.live[key] = nil
      store.promised[key] = nil
    case .took, .failed: break
    }
    onEvent(event)
    return true
  }

  func open() {
    calls.append("open")
    if stored.isPlaced {
      isOver = true
      return say(.found(size: stored.safe, SinkResult(isProvableFromDisk: true)))
    }
    if !failed(at: .open) { say(.opened) }
  }

  func write(_ bytes: ByteBuffer) {
    check("write", isOpen && !hasFailed || hasFailed)
    guard !hasFailed else { return }
    store.stored[key]?.written += Int64(bytes.readableBytes)
    if !failed(at: .write) { say(.took(upTo: stored.written)) }
  }

  func checkpoint() {
    check("checkpoint", isOpen && !isCheckpointing)
    isCheckpointing = true
    guard !hasFailed, !failed(at: .checkpoint) else { return }
    markSafe()
    say(.safe(upTo: stored.safe))
  }

  func finish() {
    check("finish", isOpen)
    guard !hasFailed, !failed(at: .finish) else { return }
    isOver = true
    markSafe()
    store.stored[key]?.isPlaced = true
    say(.finished(SinkResult(isProvableFromDisk: true)))
  }

  func suspend() {
    check("suspend", isOpen || hasFailed)
    if !hasFailed, !failed(at: .suspend) { markSafe() }
    isOver = true
    say(.suspended(at: stored.safe))
  }

  func abandon() {
    check("abandon", true)
    isOver = true
    events = []
    store.stored[key] = nil
    store.live[key] = nil
    store.promised[key] = nil
  }

  private var stored: TestForwarder.Stored { store.stored[key] ?? TestForwarder.Stored() }

  private func markSafe() {
    let written = stored.written
    store.stored[key]?.safe = written
  }

  private func check(_ call: String, _ isAllowed: Bool) {
    if isOver || !isAllowed { store.violations.append("\(call) after \(calls)") }
    calls.append(call)
  }

  private func failed(at step: TestForwarder.Step) -> Bool {
    guard let failure = store.fault(at: step) else { return false }
    hasFailed = true
    say(.failed(failure))
    return true
  }

  private func say(_ event: SinkEvent) {
    events.append(event)
    if !store.isHeld { eventLoop.assumeIsolated().execute { _ = self.sayNext() } }
  }
}
