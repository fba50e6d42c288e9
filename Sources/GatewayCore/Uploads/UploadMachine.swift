/// Decides what happens to one upload: when bytes are made safe, in which order sink and ledger are told, when the client
/// must pause, and how it ends. Has no I/O and no clock; ``Upload`` carries out what it returns.
///
/// The order that safety rests on: sink safe, then ledger, then the client's acknowledgement.
struct UploadMachine {
  private enum State: Equatable {
    /// Being leased and opened; `isLeaving` once nobody waits for it any more.
    case opening(isLeaving: Bool)
    case receiving
    case finishing
    case completing
    case suspending(Ending)
    case recording(Ending)
    case ended
  }

  private var state = State.opening(isLeaving: false)
  /// Whether a later connection may go on with it. If not, what breaks off is dropped.
  private let isResumable: Bool
  /// Whether this connection began it: until the offer nobody else knows of it.
  private let isNew: Bool
  /// In bytes; `nil` where it is unknown.
  private var total: Int64?
  /// Whether it is a part of others (``UploadRole/part``): nothing finishes it.
  private var isPart = false
  /// Bytes received and not yet consumed by the sink, above which the client must pause.
  private let window: Int
  /// Bytes after which the next checkpoint is due.
  private let checkpointEvery: Int64
  /// ``ForwarderTraits/granularity``: of fewer bytes a checkpoint would make nothing safe.
  private let granularity: Int64
  /// Whether nothing may be recorded yet: the front has still to judge the bytes of this connection.
  private var isTentative: Bool

  /// Where this connection went on, in bytes from the stream's start.
  private var start: Int64 = 0
  private var received: Int64 = 0
  private var consumed: Int64 = 0
  /// Safe in the sink.
  private var safe: Int64 = 0
  /// Up to where the ledger was asked to record.
  private var submitted: Int64 = 0
  /// Safe in the sink, or taken by the backend.
  var safeInSink: Int64 { safe }
  /// Recorded by the ledger.
  private(set) var recorded: Int64 = 0
  private var isCheckpointing = false
  /// Offsets that the ledger was told and has not answered: the last one of an upload that is left may follow another
  /// that is still on its way.
  private var recordsInFlight = 0
  /// The ledger would take an offset for one that follows what it has, so after a failure it is told none.
  private var hasLedgerFailed = false
  private var pauses = UploadPauses()

  init(
    isResumable: Bool, isNew: Bool, window: Int, checkpointEvery: Int64, granularity: Int64 = 1,
    isTentative: Bool = false
  ) {
    self.isResumable = isResumable
    self.isNew = isNew
    self.window = window
    self.checkpointEvery = max(checkpointEvery, granularity)
    self.granularity = granularity
    self.isTentative = isTentative
  }

  /// Bytes that hold the gateway's memory.
  var inFlight: Int { Int(received - consumed) }

  /// The bytes before this offset hold no memory.
  var consumedOffset: Int64 { consumed }

  /// Bytes that are not safe in the sink.
  var unsafeBytes: Int64 { received - safe }

  /// Bytes that came over this connection.
  var receivedHere: Int64 { received - start }

  /// Where the next byte goes, in bytes from the stream's start; `nil` where none is taken.
  var position: Int64? { state == .receiving ? received : nil }

  // MARK: Opening

  /// Whether somebody still waits for the offer; if not, nothing more is taken or asked for it.
  var isAwaited: Bool { state == .opening(isLeaving: false) }

  enum OnLeased: Equatable {
    case openSink(from: Int64)
    /// Nobody waits for the offer any more.
    case letGo
    case drop
  }

  /// - Parameters:
  ///   - offset: bytes from the stream's start that are safe.
  ///   - total: in bytes; `nil` where it is unknown.
  mutating func leased(at offset: Int64, total: Int64?, isPart: Bool = false) -> OnLeased {
    guard case .opening(let isLeaving) = state else { preconditionFailure("leased in \(state)") }
    self.total = total
    self.isPart = isPart
    start = offset
    received = offset
    consumed = offset
    safe = offset
    submitted = offset
    recorded = offset
    guard !isLeaving else {
      state = .ended
      return isNew ? .drop : .letGo
    }
    return .openSink(from: offset)
  }

  enum OnSinkOpened: Equatable {
    case offer
    case suspendSink
    case drop
  }

  mutating func sinkOpened() -> OnSinkOpened {
    guard case .opening(let isLeaving) = state else { preconditionFailure("sink opened in \(state)") }
    guard isLeaving else {
      state = .receiving
      return .offer
    }
    guard !isNew else {
      state = .ended
      return .drop
    }
    state = .suspending(.left)
    return .suspendSink
  }

  /// All of it is in its place since an earlier connection; the ledger is still to be told, also where nobody waits.
  mutating func sinkFound(size: Int64) {
    guard case .opening = state else { preconditionFailure("sink found all in \(state)") }
    state = .completing
    received = size
    consumed = size
  }

  /// The request was refused, or what it asks for is there already: nothing is leased.
  mutating func refused() {
    state = .ended
  }

  // MARK: Receiving

  enum OnBytes: Equatable {
    case write
    case writeThenPause
    /// The upload is ending: nothing more is taken.
    case discard
  }

  mutating func bytes(_ count: Int, isMemoryShort: Bool) -> OnBytes {
    guard state == .receiving else { return .discard }
    received += Int64(count)
    return pauses.received(isWindowFull: inFlight >= window, isMemoryShort: isMemoryShort) ? .writeThenPause : .write
  }

  enum OnBandwidthUsedUp: Equatable {
    case nothing
    case pause
  }

  mutating func bandwidthUsedUp() -> OnBandwidthUsedUp {
    pauses.begin(.bandwidth) && state == .receiving ? .pause : .nothing
  }

  /// The time has passed after which the next bytes may come.
  mutating func bandwidthRestored() -> OnConsumed {
    pauses.end(.bandwidth) && state == .receiving ? .resume : .nothing
  }

  /// More has arrived than is reserved for the stream.
  mutating func grantUsedUp() -> OnBandwidthUsedUp {
    pauses.begin(.grant) && state == .receiving ? .pause : .nothing
  }

  /// All that has arrived is within what is reserved.
  mutating func grantGrew() -> OnConsumed {
    pauses.end(.grant) && state == .receiving ? .resume : .nothing
  }

  enum OnConsumed: Equatable {
    case nothing
    case resume
  }

  /// An upload that holds nothing may always go on, or memory that others hold could stop it for ever. What a sink copies
  /// from another upload was never received, and holds no memory.
  mutating func consumed(upTo offset: Int64, isMemoryShort: Bool) -> OnConsumed {
    consumed = max(consumed, offset)
    received = max(received, consumed)
    guard inFlight == 0 || (inFlight <= window / 2 && !isMemoryShort) else { return .nothing }
    return pauses.end(.ofSink) && state == .receiving ? .resume : .nothing
  }

  enum OnCheckpointChance: Equatable {
    case nothing
    case checkpoint
    /// Bytes wait to be made safe, but not enough of them yet: ask again when the client has been quiet.
    case askLater
  }

  /// - Parameter isQuiet: time has passed since the first byte that is not yet safe.
  mutating func checkpointChance(isQuiet: Bool) -> OnCheckpointChance {
    guard state == .receiving, received - safe >= granularity, !isCheckpointing, recordsInFlight == 0 else {
      return .nothing
    }
    // The whole is here: finishing it makes it safe.
    if received == total || isTentative { return .nothing }
    guard isQuiet || consumed - safe >= checkpointEvery else { return .askLater }
    isCheckpointing = true
    return .checkpoint
  }

  enum OnSafe: Equatable {
    case nothing
    case record(Step)
  }

  mutating func sinkSafe(upTo offset: Int64) -> OnSafe {
    isCheckpointing = false
    safe = max(safe, offset)
    guard state == .receiving, safe > submitted else { return .nothing }
    return .record(nextStep())
  }

  enum OnRecorded: Equatable {
    case nothing
    case acknowledge(upTo: Int64)
    case end(Ending)
  }

  mutating func ledgerRecorded(upTo offset: Int64) -> OnRecorded {
    recordsInFlight -= 1
    recorded = max(recorded, offset)
    switch state {
    case .receiving: return .acknowledge(upTo: offset)
    case .recording(let ending):
      guard recordsInFlight == 0 else { return .nothing }
      state = .ended
      return .end(ending)
    case .opening, .finishing, .completing, .suspending, .ended: return .nothing
    }
  }

  private mutating func nextStep() -> Step {
    defer { submitted = safe }
    recordsInFlight += 1
    return Step(from: submitted, to: safe)
  }

  // MARK: Ending

  /// All bytes of this connection were judged to be right.
  mutating func approve() { isTentative = false }

  enum OnFinish: Equatable {
    case nothing
    case finishSink
    /// The front takes for the whole what is not: completion means that the bytes are as many as the total.
    case leave(OnLeave)
  }

  /// All bytes were given to the sink.
  mutating func finish() -> OnFinish {
    guard state == .receiving else { return .nothing }
    if isPart || received != total ?? received { return .leave(leave()) }
    state = .finishing
    return .finishSink
  }

  mutating func sinkFinished() -> Int64 {
    guard state == .finishing else { preconditionFailure("sink finished in \(state)") }
    state = .completing
    consumed = received
    return received
  }

  mutating func ledgerCompleted() {
    guard state == .completing else { preconditionFailure("completed in \(state)") }
    state = .ended
    recorded = received
  }

  /// The client is gone or has sent what was offered, or a newer connection wants the upload. An upload whose last byte
  /// has arrived is finished all the same.
  mutating func leave() -> OnLeave {
    switch state {
    case .opening:
      state = .opening(isLeaving: true)
      return .wait
    case .receiving where isResumable:
      state = .suspending(.left)
      return .suspendSink
    case .receiving:
      state = .ended
      return .drop
    case .finishing, .completing, .suspending, .recording, .ended: return .nothing
    }
  }

  mutating func sinkSuspended(at offset: Int64) -> OnSuspended {
    guard case .suspending(let ending) = state else { return .nothing }
    // What was not approved is cut off by the next connection.
    safe = isTentative ? safe : max(safe, offset)
    consumed = received
    guard !hasLedgerFailed else {
      state = .ended
      return .end(ending)
    }
    state = .recording(ending)
    return .record(nextStep())
  }

  mutating func sinkFailed(_ failure: SinkFailure) -> OnFailure {
    let reported = UploadFailure(failure)
    switch state {
    case .opening, .receiving, .finishing:
      let isUnheardOf: Bool
      if case .opening = state { isUnheardOf = isNew } else { isUnheardOf = false }
      guard isResumable, !isUnheardOf else { return dropping(reported) }
      switch reported.consequence {
      case .kept:
        state = .suspending(.failed(reported))
        return .suspendSink
      case .dropped: return dropping(reported)
      case .broken:
        state = .ended
        return .abandon(reported)
      }
    case .suspending(.left):
      // The sink still says how far it came; but it was not for lack of bytes that it is no further.
      state = .suspending(.failed(reported))
      return .nothing
    case .completing, .suspending(.failed), .recording, .ended: return .nothing
    }
  }

  /// The stream is longer than what could be reserved for it.
  mutating func outgrown(_ refusal: Refusal) -> OnFailure {
    let failure = UploadFailure.outgrown(refusal)
    guard state == .receiving else { return .nothing }
    guard isResumable else { return dropping(failure) }
    state = .suspending(.failed(failure))
    return .suspendSink
  }

  private mutating func dropping(_ failure: UploadFailure) -> OnFailure {
    state = .ended
    return .drop(failure)
  }

  /// The ledger did not record an offset: what it has stays true, and the client goes on from there.
  mutating func recordFailed(_ what: String) -> OnFailure {
    recordsInFlight -= 1
    hasLedgerFailed = true
    switch state {
    case .receiving:
      guard isResumable else { return dropping(.storage(what)) }
      state = .suspending(.failed(.storage(what)))
      return .suspendSink
    case .recording(let ending):
      let failure: UploadFailure
      switch ending {
      case .failed(let first): failure = first
      case .left: failure = .storage(what)
      }
      guard recordsInFlight == 0 else {
        state = .recording(.failed(failure))
        return .nothing
      }
      state = .ended
      return .end(.failed(failure))
    // Completing says the whole size whatever was recorded before, so it may still succeed.
    case .opening, .finishing, .completing, .suspending, .ended: return .nothing
    }
  }

  /// The ledger did not hear that all is in its place. What it has stays true; the next start puts it right.
  mutating func completionFailed(_ what: String) -> OnFailure {
    guard state == .completing else { preconditionFailure("completion failed in \(state)") }
    state = .ended
    return .end(.failed(.storage(what)))
  }

  /// Another gateway has taken the upload over, so an offset was not recorded. Nothing more is recorded, and nothing removed.
  mutating func recordFenced() -> OnFailure {
    recordsInFlight -= 1
    hasLedgerFailed = true
    switch state {
    case .receiving:
      state = .suspending(.left)
      return .suspendSink
    case .recording:
      guard recordsInFlight == 0 else {
        state = .recording(.left)
        return .nothing
      }
      state = .ended
      return .end(.left)
    // Completing has an answer of its own.
    case .opening, .finishing, .completing, .suspending, .ended: return .nothing
    }
  }

  /// Another gateway has taken the upload over, so its completion was not recorded.
  mutating func completionFenced() -> OnFailure {
    guard state == .completing else { preconditionFailure("completion fenced in \(state)") }
    state = .ended
    return .end(.left)
  }
}
