internal import GatewayCore
internal import NIOCore

/// Writes one upload to a file of a ``DirectoryStore``.
///
/// Confined to its event loop. It decides which job its ``PartialFile`` does next, and the jobs run on store threads: one
/// *lane* job at a time, so that bytes stay in order, and beside it at most one sync. What arrives while a job runs is
/// the next job's batch, which grows by itself where the disk is slower than the network.
final class DirectorySink: Sink {
  private enum Ending {
    case finish, suspend, abandon
  }

  private let file: PartialFile
  private let threads: StoreThreads
  private let eventLoop: any EventLoop
  private var onEvent: (SinkEvent) -> Void

  private var pending = PendingBytes()
  /// Takes the place of ``pending`` where bytes are compressed, but for a small upload's.
  private let members: GzipJobs?
  /// Offset after all bytes that were given.
  private var accepted: Int64
  /// Offset after the bytes that hold no memory of this sink.
  private var written: Int64
  /// Offset after the bytes that a sync makes safe.
  private var flushed: Int64
  /// Offset that sealing would bring ``flushed`` up to.
  private var flushable: Int64
  /// Offset after the bytes that survive a power cut.
  private var safe: Int64
  /// A small upload is opened, written and finished in one job, where nothing comes between.
  private var isGathering: Bool
  private var isInspectionBehind = false
  private var lastWasWrite = false

  private var isSerialBusy = false
  private var isSyncBusy = false
  /// The offset that an unanswered checkpoint has to reach.
  private var checkpointTarget: Int64?
  private var ending: Ending?
  private var failure: SinkFailure?
  private var isOver = false

  init(
    file: PartialFile, threads: StoreThreads, eventLoop: any EventLoop, onEvent: @escaping (SinkEvent) -> Void
  ) {
    self.file = file
    self.threads = threads
    self.eventLoop = eventLoop
    self.onEvent = onEvent
    accepted = file.written
    written = file.written
    flushed = file.written
    flushable = file.written
    safe = file.written
    members = file.makeMembers()
    // Of one that another connection had, more may be there than its offset says.
    isGathering =
      file.written == 0 && !file.upload.isResumed && file.upload.facts.total.map { $0 <= Self.gatheredLimit } ?? false
    if isGathering {
      eventLoop.assumeIsolated().execute { self.emit(.opened) }
    } else if file.upload.isResumed {
      runSerially({ [file] () throws(SinkFailure) in try file.takeUp() }) { sink, opening in
        switch opening {
        case .unfinished(let progress):
          sink.note(progress)
          sink.emit(.opened)
        case .finished(let finished): sink.conclude(.found(size: finished.size, finished.result))
        }
      }
    } else {
      runSerially({ [file] () throws(SinkFailure) in try file.open() }) { sink, progress in
        sink.note(progress)
        sink.emit(.opened)
      }
    }
  }

  /// Uploads of no more bytes wait in memory for their last one.
  private static let gatheredLimit: Int64 = 64 << 10

  func write(_ bytes: ByteBuffer) {
    eventLoop.preconditionInEventLoop()
    precondition(ending == nil, "write after the sink was told to end")
    guard failure == nil else { return }
    accepted += Int64(bytes.readableBytes)
    if let members, !isGathering { members.withScheduler { $0.append(bytes) } } else { pending.append(bytes) }
    proceed()
  }

  func checkpoint() {
    eventLoop.preconditionInEventLoop()
    precondition(ending == nil, "checkpoint after the sink was told to end")
    precondition(checkpointTarget == nil, "checkpoint before the one before was answered")
    guard failure == nil else { return }
    checkpointTarget = accepted
    members?.withScheduler { $0.flush() }
    proceed()
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

  private func end(_ ending: Ending) {
    eventLoop.preconditionInEventLoop()
    guard !isOver else { return }
    self.ending = ending
    members?.withScheduler { $0.flush() }
    proceed()
  }

  // MARK: What comes next

  private func proceed() {
    if isOver { return }
    if failure != nil || ending == .abandon { return proceedToLetGo() }
    if !isSerialBusy {
      if isGathering {
        if ending == .finish { return startPublishing() }
        guard ending == .suspend || checkpointTarget != nil else { return }
        isGathering = false
        moveGatheredIntoMembers()
        return runSerially({ [file] () throws(SinkFailure) in try file.open() }) { $0.note($1) }
      }
      let hasBatch = members?.withScheduler { $0.hasCompressed } ?? !pending.isEmpty
      let isInspectionsTurn = isInspectionBehind && ending != .suspend && (!hasBatch || lastWasWrite)
      if let target = checkpointTarget, flushable >= target, flushed < target {
        runSerially({ [file] () throws(SinkFailure) in try file.flush() }) { $0.note($1) }
      } else if isInspectionsTurn {
        lastWasWrite = false
        runSerially({ [file] () throws(SinkFailure) in try file.inspectNextSlice() }) { $0.note($1) }
      } else if hasBatch {
        lastWasWrite = true
        startWriting()
      } else if let ending, !isSyncBusy, members?.withScheduler({ $0.isEmpty }) ?? true {
        return ending == .finish ? startFinishing() : startSuspending()
      }
    }
    startCompressing()
    if let target = checkpointTarget, flushed >= target, !isSyncBusy { startSync() }
  }

  /// Has as many threads compress as there are pieces that may be compressed at once.
  private func startCompressing() {
    guard let members else { return }
    let isIdle = !isSerialBusy
    while let piece = members.withScheduler({ $0.next(isIdle: isIdle) }) {
      let bound = NIOLoopBound(self, eventLoop: eventLoop)
      threads.compute(
        { [eventLoop, place = file.place] () throws(SinkFailure) in
          do throws(CompressionFault) {
            try members.compress(piece) { eventLoop.execute { bound.value.proceed() } }
          } catch {
            throw .compressing(place, error)
          }
        }, on: eventLoop
      ) { result in
        guard case .failure(let failure) = result, !bound.value.isOver else { return }
        bound.value.fail(failure)
        bound.value.proceed()
      }
    }
  }

  private func moveGatheredIntoMembers() {
    guard let members else { return }
    members.withScheduler {
      for bytes in pending.buffers { $0.append(bytes) }
      $0.flush()
    }
    pending.removeAll()
  }

  /// Nothing more is written: lets go as soon as no job needs the file.
  private func proceedToLetGo() {
    pending.removeAll()
    members?.withScheduler { $0.removeAll() }
    guard !isSerialBusy, !isSyncBusy else { return }
    switch ending {
    case .abandon:
      isOver = true
      onEvent = { _ in }
      // Where the removal fails, recovery finds the rest at the next start.
      threads.run({ [file] () throws(SinkFailure) in try file.remove() }, on: eventLoop) { _ in }
    case .suspend:
      isSerialBusy = true
      run({ [file] () throws(SinkFailure) in try file.letGo(syncing: false) }) { sink, _ in
        sink.isSerialBusy = false
        sink.conclude(.suspended(at: sink.safe))
      }
    case .finish, nil: return
    }
  }

  private func startWriting() {
    if let members {
      file.compressed = members.withScheduler { $0.takeCompressed() }
    } else {
      pending.move(into: &file.batch)
    }
    runSerially({ [file] () throws(SinkFailure) in try file.write() }) { sink, progress in
      let before = sink.written
      sink.note(progress)
      // A piece that only ends a member has no bytes of the upload.
      if progress.written > before { sink.emit(.consumed(upTo: progress.written)) }
    }
  }

  private func startSync() {
    let covered = flushed
    isSyncBusy = true
    let isNeeded = covered > safe
    let completed: @Sendable (DirectorySink, Result<Void, SinkFailure>) -> Void = { sink, result in
      sink.isSyncBusy = false
      switch result {
      case .success:
        sink.answerCheckpoint(covered)
      case .failure(let failure):
        sink.fail(failure)
      }
      sink.proceed()
    }
    if isNeeded {
      run({ [file] () throws(SinkFailure) in try file.sync() }, then: completed)
    } else {
      let bound = NIOLoopBound(self, eventLoop: eventLoop)
      eventLoop.execute { completed(bound.value, .success(())) }
    }
  }

  /// The sync of much must not hold up others that are published together with this one.
  private func startFinishing() {
    guard written > Self.gatheredLimit else { return startPublishing() }
    isSerialBusy = true
    run({ [file] () throws(SinkFailure) in
      try file.complete()
      try file.syncWhole()
    }) { sink, result in
      sink.isSerialBusy = false
      switch result {
      case .success: sink.startPublishing()
      case .failure(let failure):
        sink.fail(failure)
        sink.proceed()
      }
    }
  }

  private func startPublishing() {
    if isGathering { pending.move(into: &file.batch) }
    isGathering = false
    isSerialBusy = true
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    file.store.publishing.publish(file, on: eventLoop) { result in
      let sink = bound.value
      sink.isSerialBusy = false
      switch result {
      case .success(let result):
        sink.written = sink.accepted
        sink.answerCheckpoint(sink.written)
        sink.conclude(.finished(result))
      case .failure(let failure):
        sink.fail(failure)
        sink.proceed()
      }
    }
  }

  private func startSuspending() {
    let needsSync = written > safe
    isSerialBusy = true
    run({ [file] () throws(SinkFailure) in try file.letGo(syncing: needsSync) }) { sink, result in
      sink.isSerialBusy = false
      if case .success = result { sink.answerCheckpoint(sink.written) }
      sink.conclude(.suspended(at: sink.safe))
    }
  }

  // MARK: What came of it

  private func note(_ progress: PartialFile.Progress) {
    written = progress.written
    flushed = progress.flushed
    flushable = progress.flushable
    if progress.isInspectionHeldUp { members?.withScheduler { $0.flush() } }
    isInspectionBehind = progress.isInspectionBehind
  }

  private func answerCheckpoint(_ offset: Int64) {
    safe = max(safe, offset)
    guard checkpointTarget != nil else { return }
    checkpointTarget = nil
    emit(.safe(upTo: safe))
  }

  private func fail(_ failure: SinkFailure) {
    guard self.failure == nil else { return }
    self.failure = failure
    checkpointTarget = nil
    // To a sink that is being suspended the answer is the offset that it got to.
    if ending != .suspend { emit(.failed(failure)) }
  }

  /// The last event. The closure is let go here, on the event loop, where what it holds belongs.
  private func conclude(_ event: SinkEvent) {
    isOver = true
    emit(event)
    onEvent = { _ in }
  }

  private func emit(_ event: SinkEvent) {
    if ending != .abandon, failure == nil || !event.isProgress { onEvent(event) }
  }

  private func runSerially<Outcome: Sendable>(
    _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome,
    then: @escaping @Sendable (DirectorySink, Outcome) -> Void
  ) {
    isSerialBusy = true
    run(job) { sink, result in
      sink.isSerialBusy = false
      switch result {
      case .success(let outcome):
        then(sink, outcome)
      case .failure(let failure):
        sink.fail(failure)
      }
      sink.proceed()
    }
  }

  private func run<Outcome: Sendable>(
    _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome,
    then: @escaping @Sendable (DirectorySink, Result<Outcome, SinkFailure>) -> Void
  ) {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    threads.run(job, on: eventLoop) { result in then(bound.value, result) }
  }
}

extension SinkEvent {
  /// Says that bytes got further, which a sink that has failed says no more.
  fileprivate var isProgress: Bool {
    switch self {
    case .opened, .consumed, .safe: true
    case .finished, .found, .suspended, .failed: false
    }
  }
}
