internal import GatewayCore
internal import NIOCore

/// Writes one upload to a file of a ``DirectoryStore``.
///
/// Confined to its event loop. ``DirectorySinkMachine`` decides which job its ``PartialFile`` does next; the jobs run on
/// store threads.
final class DirectorySink: CopyingSink {
  private let file: PartialFile
  private let store: DirectoryStore
  private let eventLoop: any EventLoop
  private var onEvent: (SinkEvent) -> Void
  private var machine: DirectorySinkMachine

  private var pending = PendingBytes()
  /// Takes the place of ``pending`` where bytes are compressed, but for what is gathered.
  private let gzip: GzipJobs?
  /// What is to be copied next, in place of both.
  private var slice: PartSlice?

  init(file: PartialFile, eventLoop: any EventLoop, onEvent: @escaping (SinkEvent) -> Void) {
    self.file = file
    self.store = file.store
    self.eventLoop = eventLoop
    self.onEvent = onEvent
    gzip = file.makeGzipJobs()
    let beginning = Self.beginning(of: file)
    // A part never gets a place of its own.
    let isHeld = file.upload.facts.role != .part && file.store.check?.isWanted ?? false
    machine = DirectorySinkMachine(beginning, at: file.written, isHeld: isHeld)
    if beginning == .gathering {
      eventLoop.assumeIsolated().execute { self.report(self.machine.gathering()) }
    }
    proceed()
  }

  private static func beginning(of file: PartialFile) -> DirectorySinkMachine.Beginning {
    // Of one that another connection had, more may be there than its offset says.
    if file.upload.isResumed { return .takingUp }
    guard file.written == 0, let total = file.upload.facts.total, total <= DirectorySinkMachine.gatheredLimit,
      !file.upload.facts.role.isFinal
    else { return .opening }
    return .gathering
  }

  var place: SinkPlace? { .folder(store.settings.directory) }

  // MARK: What the upload says

  func write(_ bytes: ByteBuffer) {
    eventLoop.preconditionInEventLoop()
    switch machine.write(bytes.readableBytes) {
    case .discard: return
    case .gather: pending.append(bytes)
    case .queue: if let gzip { gzip.withScheduler { $0.append(bytes) } } else { pending.append(bytes) }
    }
    proceed()
  }

  func copy(_ slice: PartSlice) {
    eventLoop.preconditionInEventLoop()
    switch machine.write(slice.range.count) {
    case .discard, .gather: return
    case .queue: self.slice = slice
    }
    proceed()
  }

  func checkpoint() {
    eventLoop.preconditionInEventLoop()
    carryOut(machine.checkpoint())
  }

  func finish() {
    end(.finish)
  }

  func suspend() {
    end(.suspend)
  }

  func abandon() {
    end(.abandon)
  }

  private func end(_ ending: DirectorySinkMachine.Ending) {
    eventLoop.preconditionInEventLoop()
    carryOut(machine.end(ending))
  }

  private func carryOut(_ request: DirectorySinkMachine.OnRequest) {
    switch request {
    case .nothing: break
    case .flush: gzip?.withScheduler { $0.flush() }
    case .drop: dropBytes()
    }
    proceed()
  }

  private func dropBytes() {
    pending.removeAll()
    slice = nil
    gzip?.withScheduler { $0.removeAll() }
  }

  // MARK: What comes next

  private func proceed() {
    while let job = machine.next(supply) { start(job) }
    startCompressing()
  }

  private var supply: DirectorySinkMachine.Supply {
    if slice != nil { return .init(hasBatch: true, isDrained: false) }
    return gzip?.withScheduler { .init(hasBatch: $0.hasCompressed, isDrained: $0.isEmpty) }
      ?? .init(hasBatch: !pending.isEmpty, isDrained: pending.isEmpty)
  }

  private func start(_ job: DirectorySinkMachine.Job) {
    switch job {
    case .open: open()
    case .openGathered:
      moveGathered()
      open()
    case .takeUp: takeUp()
    case .write: writeBatch()
    case .inspect:
      run({ [file] () throws(SinkFailure) in try file.inspectNextSlice() }) { $0.advanced($1) }
    case .flush:
      run({ [file] () throws(SinkFailure) in try file.flush() }) { $0.advanced($1) }
    case .sync(let isNeeded): sync(isNeeded: isNeeded)
    case .syncWhole:
      run({ [file] () throws(SinkFailure) in
        try file.complete()
        try file.syncWhole()
      }) { sink, _ in sink.machine.wholeSynced() }
    case .check: check()
    case .publish: publish()
    case .letGo(let isSyncing): letGo(isSyncing: isSyncing)
    case .remove:
      onEvent = { _ in }
      // Where the removal fails, recovery finds the rest at the next start.
      store.run({ [file] () throws(SinkFailure) in try file.remove() }, on: eventLoop) { _ in }
    }
  }

  /// Has as many threads compress as there are pieces that may be compressed at once.
  private func startCompressing() {
    guard let gzip, !machine.isOver else { return }
    let isIdle = machine.isIdle
    while let piece = gzip.withScheduler({ $0.next(isIdle: isIdle) }) {
      let bound = NIOLoopBound(self, eventLoop: eventLoop)
      store.threads.compute(
        { [eventLoop, place = file.place] () throws(SinkFailure) in
          do throws(CompressionFault) {
            try gzip.compress(piece) { eventLoop.execute { bound.value.proceed() } }
          } catch {
            throw .compressing(place, error)
          }
        }, on: eventLoop
      ) { result in
        guard case .failure(let failure) = result else { return }
        bound.value.report(bound.value.machine.fail(), failure)
        bound.value.proceed()
      }
    }
  }

  private func moveGathered() {
    guard let gzip else { return }
    gzip.withScheduler {
      for bytes in pending.buffers { $0.append(bytes) }
      $0.flush()
    }
    pending.removeAll()
  }

  // MARK: Jobs

  private func open() {
    run({ [file] () throws(SinkFailure) in try file.open() }) { sink, progress in
      sink.look(at: progress)
      sink.report(sink.machine.opened(progress))
    }
  }

  private func takeUp() {
    run({ [file] () throws(SinkFailure) in try file.takeUp() }) { sink, opening in
      switch opening {
      case .unfinished(let progress):
        sink.look(at: progress)
        sink.report(sink.machine.opened(progress))
      case .finished(let finished):
        switch sink.machine.found() {
        case .nothing: sink.onEvent = { _ in }
        case .report: sink.conclude(.found(size: finished.size, finished.result))
        }
      }
    }
  }

  private func writeBatch() {
    let isCopying = slice != nil
    if let slice {
      file.slice = slice
      self.slice = nil
    } else if let gzip {
      file.compressed = gzip.withScheduler { $0.takeCompressed() }
    } else {
      pending.move(into: &file.batch)
    }
    run({ [file] () throws(SinkFailure) in isCopying ? try file.copy() : try file.write() }) { sink, progress in
      sink.look(at: progress)
      switch sink.machine.wrote(progress) {
      case .nothing: break
      case .consumed(let offset): sink.onEvent(.consumed(upTo: offset))
      }
    }
  }

  private func sync(isNeeded: Bool) {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    let then: @Sendable (Result<Void, SinkFailure>) -> Void = { result in
      let sink = bound.value
      switch result {
      case .success: sink.report(sink.machine.synced())
      case .failure(let failure): sink.report(sink.machine.syncFailed(), failure)
      }
      sink.proceed()
    }
    if isNeeded {
      store.run({ [file] () throws(SinkFailure) in try file.sync() }, on: eventLoop, then: then)
    } else {
      eventLoop.execute { then(.success(())) }
    }
  }

  private func check() {
    guard let check = store.check else { return machine.passed() }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    check.check(file.toCheck, on: eventLoop).whenSuccess { verdict in
      let sink = bound.value
      switch verdict {
      case .passed: sink.machine.passed()
      case .rejected(let why, let isKept):
        sink.file.isPutAside = isKept
        sink.report(sink.machine.serialJobFailed(), .rejected(why))
      case .unknown(let why): sink.report(sink.machine.serialJobFailed(), .storage(why))
      }
      sink.proceed()
    }
  }

  private func publish() {
    // What was gathered; of another upload nothing waits.
    pending.move(into: &file.batch)
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    store.publishing.publish(file, on: eventLoop) { result in
      let sink = bound.value
      switch result {
      case .success(let result):
        switch sink.machine.published() {
        case .nothing: sink.onEvent = { _ in }
        case .finished(let answer):
          sink.report(answer)
          sink.conclude(.finished(result))
        }
      case .failure(let failure): sink.report(sink.machine.serialJobFailed(), failure)
      }
      sink.proceed()
    }
  }

  private func letGo(isSyncing: Bool) {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    store.run({ [file] () throws(SinkFailure) in try file.letGo(syncing: isSyncing) }, on: eventLoop) { result in
      let sink = bound.value
      let isSafe = if case .success = result { true } else { false }
      switch sink.machine.letGo(isSafe: isSafe) {
      case .nothing: sink.onEvent = { _ in }
      case .suspended(let offset, let answer):
        sink.report(answer)
        sink.conclude(.suspended(at: offset))
      }
    }
  }

  /// Runs a serial job on a store thread.
  private func run<Outcome: Sendable>(
    _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome,
    then: @escaping @Sendable (DirectorySink, Outcome) -> Void
  ) {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    store.run(job, on: eventLoop) { result in
      let sink = bound.value
      switch result {
      case .success(let outcome): then(sink, outcome)
      case .failure(let failure): sink.report(sink.machine.serialJobFailed(), failure)
      }
      sink.proceed()
    }
  }

  // MARK: What came of it

  private func advanced(_ progress: PartialFile.Progress) {
    look(at: progress)
    machine.advanced(progress)
  }

  private func look(at progress: PartialFile.Progress) {
    if progress.isInspectionHeldUp { gzip?.withScheduler { $0.flush() } }
  }

  private func report(_ opened: DirectorySinkMachine.OnOpened) {
    if opened == .report { onEvent(.opened) }
  }

  private func report(_ safe: DirectorySinkMachine.OnSafe) {
    switch safe {
    case .nothing: break
    case .safe(let offset): onEvent(.safe(upTo: offset))
    }
  }

  private func report(_ decision: DirectorySinkMachine.OnFailure, _ failure: SinkFailure) {
    dropBytes()
    if decision == .report { onEvent(.failed(failure)) }
  }

  /// The last event. The closure is let go here, on the event loop, where what it holds belongs.
  private func conclude(_ event: SinkEvent) {
    let tell = onEvent
    onEvent = { _ in }
    tell(event)
  }
}
