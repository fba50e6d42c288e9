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
  /// What recovery was given, and what it was told to leave alone.
  var recovered: Set<UploadKey> = []
  var others: Set<UploadKey> = []
  /// What happens between the ledger's list and what is told of it.
  var whileRecovering: () -> Void = {}
  var violations: [String] = []
  /// Bytes that may be reserved in all.
  var space = Int64.max
  var reserved: [UploadKey: Int64] = [:]
  /// Of uploads that somebody wants in folders: which.
  var folders: [UploadKey: [String]] = [:]
  var refusesReservations: (any Error)?
  /// Whether streams that ask for more wait for the test's word.
  var holdsGrowth = false
  var heldGrowth: [() -> Void] = []
  /// Why the next reservation comes to nothing.
  var nextShortage: SpaceShortage?
  var refusesRemoval: (any Error)?
  /// Whether sinks tell a state with each safe offset.
  var tellsState = false
  let traits: ForwarderTraits

  init(granularity: Int64 = 1) {
    traits = ForwarderTraits(
      survivesRestart: true, holdsFiles: true, truncates: true, granularity: granularity, assembles: granularity == 1)
  }

  func failNext(_ step: Step, _ failure: SinkFailure = .full) {
    faults.append((step, failure))
  }

  func fault(at step: Step) -> SinkFailure? {
    guard let index = faults.firstIndex(where: { $0.step == step }) else { return nil }
    return faults.remove(at: index).failure
  }

  func reserveSpace(_ request: SpaceRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    guard request.isGrowth, holdsGrowth else { return decide(request, on: eventLoop) }
    let promise = eventLoop.makePromise(of: Int64.self)
    heldGrowth.append { promise.completeWith(self.decide(request, on: eventLoop)) }
    return promise.futureResult
  }

  private func decide(_ request: SpaceRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    if let refusesReservations { return eventLoop.makeFailedFuture(refusesReservations) }
    if let shortage = nextShortage {
      nextShortage = nil
      return eventLoop.makeFailedFuture(shortage)
    }
    if !request.isGrowth, reserved[request.key] != nil {
      violations.append("reserved while an earlier reservation stands")
    }
    let left = max(0, space - reserved.values.reduce(0, +))
    let granted = request.bytes <= left ? request.bytes : request.takesPart ? left : 0
    guard granted > 0 else {
      return eventLoop.makeFailedFuture(left > 0 || space > 0 ? SpaceShortage.tooLittle : SpaceShortage.full)
    }
    reserved[request.key, default: 0] += granted
    return eventLoop.makeSucceededFuture(granted)
  }

  func limitReservedSpace(to bytes: Int64, of key: UploadKey) {
    if bytes > reserved[key, default: 0] { violations.append("a reservation grew") }
    reserved[key] = bytes > 0 ? bytes : nil
  }

  func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop, onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink {
    if live[upload.key] != nil { violations.append("two sinks at once for one upload") }
    if !states(of: upload, at: offset).contains(upload.state) {
      violations.append("another state than told: \(upload)")
    }
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

  func remove(_ upload: UploadRecord, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    if let refusesRemoval { return eventLoop.makeFailedFuture(refusesRemoval) }
    return discard(upload.key, on: eventLoop)
  }

  /// Complete uploads whose files somebody has taken away.
  var taken: Set<UploadKey> = []

  func departed(_ uploads: [UploadRecord], on eventLoop: any EventLoop) -> EventLoopFuture<[UploadKey]> {
    if let refusesRemoval { return eventLoop.makeFailedFuture(refusesRemoval) }
    return eventLoop.makeSucceededFuture(uploads.map(\.key).filter(taken.contains))
  }

  let swept = RemovedFile(name: "abandoned", size: 3, reason: "a test")

  func recover(_ unfinished: [UploadRecord], besides others: Set<UploadKey>) throws -> RecoveredPlace {
    recovered = Set(unfinished.map(\.key))
    whileRecovering()
    self.others = others
    return RecoveredPlace(uploads: found, removed: [swept])
  }

  func initialState(of upload: SinkUpload) -> String? {
    if !upload.folders.isEmpty { folders[upload.key] = upload.folders }
    return "state of \(upload.key.logID)"
  }

  /// What a sink tells that has made the bytes before `offset` safe.
  func state(at offset: Int64) -> String? { tellsState ? "state at \(offset)" : nil }

  /// What a sink for the upload may be given.
  private func states(of upload: SinkUpload, at offset: Int64) -> [String?] {
    guard tellsState else { return [initialState(of: upload)] }
    return offset == 0 ? [initialState(of: upload), state(at: 0)] : [state(at: offset)]
  }
}

/// Answers in order, each at the next turn of the event loop or at the test's word.
final class TestSink: CopyingSink {
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
      store.reserved[key] = nil
    case .consumed, .failed: break
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
    if !failed(at: .write) { say(.consumed(upTo: stored.written)) }
  }

  func copy(_ slice: PartSlice) {
    check("copy", isOpen && !hasFailed || hasFailed)
    guard !hasFailed else { return }
    if store.stored[slice.part.key]?.safe ?? 0 < slice.range.upperBound {
      store.violations.append("copied what is not safe")
    }
    store.stored[key]?.written += Int64(slice.range.count)
    if !failed(at: .write) { say(.consumed(upTo: stored.written)) }
  }

  func checkpoint() {
    check("checkpoint", isOpen && !isCheckpointing)
    isCheckpointing = true
    guard !hasFailed, !failed(at: .checkpoint) else { return }
    markSafe()
    say(.safe(upTo: stored.safe, state: store.state(at: stored.safe)))
  }

  func finish() {
    check("finish", isOpen)
    guard !hasFailed, !failed(at: .finish) else { return }
    isOver = true
    let size = stored.written
    store.stored[key] = TestForwarder.Stored(written: size, safe: size, isPlaced: true)
    say(.finished(SinkResult(isProvableFromDisk: true)))
  }

  func suspend() {
    check("suspend", isOpen || hasFailed)
    if !hasFailed, !failed(at: .suspend) { markSafe() }
    isOver = true
    say(.suspended(at: stored.safe, state: store.state(at: stored.safe)))
  }

  func abandon() {
    check("abandon", true)
    isOver = true
    events = []
    store.stored[key] = nil
    store.live[key] = nil
    store.reserved[key] = nil
  }

  private var stored: TestForwarder.Stored { store.stored[key] ?? TestForwarder.Stored() }

  private func markSafe() {
    let whole = stored.written / store.traits.granularity * store.traits.granularity
    let safe = max(stored.safe, whole)
    store.stored[key]?.safe = safe
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
