/// Decides what a ``DirectorySink`` does next: which job its file gets, when a checkpoint is answered, and how the upload
/// ends. Has no I/O; the sink carries out what this returns.
///
/// At most one *serial* job runs at a time, so that bytes stay in order, and beside it at most one sync. What arrives while
/// a job runs is the next job's batch, which grows by itself where the disk is slower than the network.
struct DirectorySinkMachine {
  /// How a sink begins.
  enum Beginning: Equatable {
    /// A small upload waits in memory for its last byte: it is opened, written and finished in one job, where nothing
    /// comes between.
    case gathering
    /// The file is opened, new or at the upload's offset.
    case opening
    /// Another connection had the upload, which may be complete.
    case takingUp
  }

  /// What the sink was told to end by.
  enum Ending: Equatable {
    case finish, suspend, abandon
  }

  /// A job for a store thread. The answer to each is an event of this machine.
  enum Job: Equatable {
    case open
    case takeUp
    /// Opens the file of what was gathered, which the next batch has.
    case openGathered
    case write
    /// Looks at bytes that are in the file already.
    case inspect
    /// Brings to the file what waits for its block or member to become full.
    case flush
    /// The only one that is not serial. Where it is not needed, everything that was asked for is safe already.
    case sync(isNeeded: Bool)
    /// Completes the file and syncs it, before ``publish``: the sync of much must not hold up others that are published
    /// together with this one.
    case syncWhole
    /// Has the whole judged by somebody else, after ``syncWhole``.
    case check
    /// Gives the file its final place, after it was opened and written where that is still to be done.
    case publish
    /// Closes the file, which stays.
    case letGo(isSyncing: Bool)
    /// Removes the file. Nothing follows.
    case remove

    /// No sync may run beside it, as it opens or closes the file, or brings all of it to its end.
    var runsAlone: Bool {
      switch self {
      case .write, .inspect, .flush, .sync: false
      case .open, .takeUp, .openGathered, .syncWhole, .check, .publish, .letGo, .remove: true
      }
    }
  }

  /// What there is for the next job, beside what the machine knows.
  struct Supply {
    /// Bytes wait that can be written now.
    var hasBatch: Bool
    /// No byte waits or is being compressed.
    var isDrained: Bool
  }

  /// Larger uploads are not gathered in memory, and are synced before they are published, in bytes.
  static let gatheredLimit: Int64 = 64 << 10

  /// Offset after all bytes that were given.
  private var accepted: Int64
  private var progress: PartialFile.Progress
  /// Offset after the bytes that survive a power cut.
  private(set) var safe: Int64
  private var isGathering: Bool
  private var isOpened = false
  private var lastWasWrite = false
  private var beginning: Job?
  /// The serial job that runs.
  private var running: Job?
  /// Offset after the bytes that the running sync makes safe.
  private var syncing: Int64?
  /// The whole is synced, and only its place is missing.
  private var isWholeSynced = false
  /// Whether the whole is judged before it gets its place.
  private let isHeld: Bool
  private var hasPassed = false
  /// The offset that an unanswered checkpoint has to reach.
  private var checkpointTarget: Int64?
  private var ending: Ending?
  private var hasFailed = false
  /// The last event is out, or none is to come.
  private(set) var isOver = false

  /// - Parameter isHeld: whether the whole is judged before it gets its final place.
  init(_ beginning: Beginning, at offset: Int64, isHeld: Bool = false) {
    self.isHeld = isHeld
    accepted = offset
    safe = offset
    progress = PartialFile.Progress(at: offset)
    isGathering = beginning == .gathering
    switch beginning {
    case .gathering: self.beginning = nil
    case .opening: self.beginning = .open
    case .takingUp: self.beginning = .takeUp
    }
  }

  /// No serial job runs.
  var isIdle: Bool { running == nil }

  // MARK: What the upload says

  enum OnWrite: Equatable {
    /// The sink has failed.
    case discard
    /// Kept as it is until the upload is whole.
    case gather
    /// On its way to the file.
    case queue
  }

  mutating func write(_ count: Int) -> OnWrite {
    precondition(ending == nil, "write after the sink was told to end")
    guard !hasFailed else { return .discard }
    accepted += Int64(count)
    return isGathering ? .gather : .queue
  }

  /// What becomes of the bytes that wait.
  enum OnRequest: Equatable {
    case nothing
    /// They all go on their way, also where they fill no member.
    case flush
    /// They are not wanted any more.
    case drop
  }

  mutating func checkpoint() -> OnRequest {
    precondition(ending == nil, "checkpoint after the sink was told to end")
    precondition(checkpointTarget == nil, "checkpoint before the one before was answered")
    guard !hasFailed else { return .nothing }
    checkpointTarget = accepted
    return .flush
  }

  mutating func end(_ ending: Ending) -> OnRequest {
    guard !isOver else { return .nothing }
    self.ending = ending
    return hasFailed || ending == .abandon ? .drop : .flush
  }

  // MARK: What comes next

  /// The next job to be started now; to be asked again until there is none.
  mutating func next(_ supply: Supply) -> Job? {
    if isOver { return nil }
    if hasFailed || ending == .abandon { return nextOfLettingGo() }
    if running == nil, let job = nextSerial(supply) {
      running = job
      return job
    }
    guard let checkpointTarget, progress.flushed >= checkpointTarget, syncing == nil, running?.runsAlone != true else {
      return nil
    }
    syncing = progress.flushed
    return .sync(isNeeded: progress.flushed > safe)
  }

  private mutating func nextSerial(_ supply: Supply) -> Job? {
    if let job = beginning {
      beginning = nil
      return job
    }
    if isGathering {
      guard ending != nil || checkpointTarget != nil else { return nil }
      isGathering = false
      return ending == .finish && !isHeld ? .publish : .openGathered
    }
    if let checkpointTarget, progress.flushable >= checkpointTarget, progress.flushed < checkpointTarget {
      return .flush
    }
    if progress.isInspectionBehind, ending != .suspend, !supply.hasBatch || lastWasWrite {
      lastWasWrite = false
      return .inspect
    }
    if supply.hasBatch {
      lastWasWrite = true
      return .write
    }
    guard let ending, syncing == nil, supply.isDrained else { return nil }
    guard ending == .finish else { return .letGo(isSyncing: progress.written > safe) }
    if isHeld { return !isWholeSynced ? .syncWhole : !hasPassed ? .check : .publish }
    return isWholeSynced || progress.written <= Self.gatheredLimit ? .publish : .syncWhole
  }

  /// Nothing more is written: the file is let go as soon as no job needs it.
  private mutating func nextOfLettingGo() -> Job? {
    guard running == nil, syncing == nil else { return nil }
    switch ending {
    case .abandon:
      isOver = true
      return .remove
    case .suspend:
      running = .letGo(isSyncing: false)
      return running
    case .finish, nil: return nil
    }
  }

  // MARK: What came of it

  enum OnOpened: Equatable {
    case nothing
    case report
  }

  /// The file is open, or nothing needs to be opened yet.
  mutating func opened(_ progress: PartialFile.Progress) -> OnOpened {
    advanced(progress)
    return reportOpening()
  }

  /// A sink that gathers takes bytes at once.
  mutating func gathering() -> OnOpened {
    reportOpening()
  }

  private mutating func reportOpening() -> OnOpened {
    defer { isOpened = true }
    return isOpened || !speaks ? .nothing : .report
  }

  /// An earlier sink had brought the upload to its end.
  mutating func found() -> OnOpened {
    running = nil
    isOver = true
    return ending == .abandon ? .nothing : .report
  }

  enum OnWritten: Equatable {
    case nothing
    case consumed(upTo: Int64)
  }

  mutating func wrote(_ progress: PartialFile.Progress) -> OnWritten {
    let before = self.progress.written
    advanced(progress)
    // A piece that only ends a member has no bytes of the upload.
    return speaks && progress.written > before ? .consumed(upTo: progress.written) : .nothing
  }

  /// A serial job is done after which nothing is to be said.
  mutating func advanced(_ progress: PartialFile.Progress) {
    running = nil
    self.progress = progress
  }

  enum OnSafe: Equatable {
    case nothing
    case safe(upTo: Int64)
  }

  mutating func synced() -> OnSafe {
    defer { syncing = nil }
    return answerCheckpoint(syncing ?? safe)
  }

  private mutating func answerCheckpoint(_ offset: Int64) -> OnSafe {
    safe = max(safe, offset)
    guard checkpointTarget != nil else { return .nothing }
    checkpointTarget = nil
    return speaks ? .safe(upTo: safe) : .nothing
  }

  mutating func wholeSynced() {
    running = nil
    isWholeSynced = true
  }

  /// The whole may have its final place.
  mutating func passed() {
    running = nil
    hasPassed = true
  }

  enum OnPublished: Equatable {
    case nothing
    /// After the answer to a checkpoint.
    case finished(OnSafe)
  }

  mutating func published() -> OnPublished {
    running = nil
    let answer = answerCheckpoint(accepted)
    isOver = true
    return ending == .abandon ? .nothing : .finished(answer)
  }

  enum OnLetGo: Equatable {
    case nothing
    /// After the answer to a checkpoint.
    case suspended(at: Int64, OnSafe)
  }

  /// The file is closed; with `isSafe` it was made safe before, and nothing has failed.
  mutating func letGo(isSafe: Bool) -> OnLetGo {
    running = nil
    let answer = isSafe && !hasFailed ? answerCheckpoint(progress.written) : .nothing
    isOver = true
    return ending == .abandon ? .nothing : .suspended(at: safe, answer)
  }

  /// What waits is dropped in any case.
  enum OnFailure: Equatable {
    case nothing
    case report
  }

  mutating func serialJobFailed() -> OnFailure {
    running = nil
    return fail()
  }

  mutating func syncFailed() -> OnFailure {
    syncing = nil
    return fail()
  }

  /// A sink that is being suspended answers with the offset that it got to.
  mutating func fail() -> OnFailure {
    guard !hasFailed, !isOver else { return .nothing }
    hasFailed = true
    checkpointTarget = nil
    return ending == .suspend || ending == .abandon ? .nothing : .report
  }

  /// Whether progress is still said: neither of an upload that nobody wants any more nor after a failure.
  private var speaks: Bool { ending != .abandon && !hasFailed }
}
