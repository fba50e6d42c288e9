import GatewayCore

/// Decides what stands between a connection and the upload that it carries: whether bytes are read and taken, why an upload
/// is stopped before all of it has arrived, and what the client has not heard yet. Has no I/O and no clock.
///
/// One upload follows another: ``begin()`` to ``ended()``.
struct SessionMachine {
  private enum State: Equatable {
    /// There is no upload.
    case idle
    /// The core was asked.
    case deciding
    /// What was offered may come.
    case receiving
    /// All that was offered is here. The stream has no total, so its end may be behind its last byte.
    case awaitingEnd
    /// All that was offered is here, and is being made safe.
    case suspendingGrant
    /// What arrived is being made safe, for a reason of the gateway's own.
    case stopping(StopReason)
    /// The front has left the upload.
    case left
    /// The whole is here.
    case finishing
    /// The upload has said its last word, and the client has not.
    case answering
  }

  private var state = State.idle
  /// Whether the upload's window is full.
  private(set) var isPaused = false
  /// Whether the gateway goes away.
  private(set) var isGatewayStopping = false
  /// Where the current offer ends, in bytes from the stream's start.
  private(set) var grantedEnd: Int64 = 0
  /// What the current upload has safe. The client may not have heard of it while it did not read.
  private(set) var safeOffset: Int64?

  /// Whether an upload is under way, offered or not.
  var hasUpload: Bool { state != .idle && state != .answering }

  /// Whether the client was made an offer that its upload has not ended yet.
  var hasOffer: Bool {
    switch state {
    case .idle, .deciding, .answering: false
    case .receiving, .awaitingEnd, .suspendingGrant, .stopping, .left, .finishing: true
    }
  }

  /// Whether bytes of the upload are expected, and nothing but the client keeps them from coming.
  var awaitsBytes: Bool { state == .receiving && !isPaused }

  /// Why the upload is being left, for whoever asks while it is.
  var leaveReason: StopReason {
    switch state {
    case .stopping(let reason): reason
    case .suspendingGrant, .awaitingEnd: .grantFull
    case .idle, .deciding, .receiving, .left, .finishing, .answering: isGatewayStopping ? .gatewayStopping : .clientGone
    }
  }

  /// Whether the front may take what has arrived. Once an upload is being stopped, it waits.
  var takesBytes: Bool {
    switch state {
    case .stopping(let reason): reason == .grantFull
    case .idle, .deciding, .receiving, .awaitingEnd, .suspendingGrant, .left, .finishing, .answering: true
    }
  }

  /// Whether the client's end may be acted on. Once a full grant is being made safe, it comes too late to make a stream of
  /// unknown length whole.
  var takesEnd: Bool {
    if case .stopping = state { false } else { true }
  }

  // MARK: An upload's way

  /// A request goes to the core.
  mutating func begin() {
    state = .deciding
    isPaused = false
    safeOffset = nil
  }

  /// The core offers bytes from `offset` to `end`.
  mutating func offered(from offset: Int64, to end: Int64) {
    guard state == .deciding else { return }
    state = .receiving
    safeOffset = offset
    grantedEnd = end
  }

  mutating func paused() { isPaused = true }

  mutating func resumed() { isPaused = false }

  mutating func safe(upTo offset: Int64) { safeOffset = max(safeOffset ?? 0, offset) }

  /// What follows where the upload may have to be left.
  enum OnLeave: Equatable {
    case nothing
    /// Leave the upload.
    case leave
  }

  /// The front has given the whole to the upload.
  ///
  /// With its last bytes the client's right may have ended: then that is what it hears.
  mutating func finish() {
    if case .stopping = state { return }
    if hasOffer { state = .finishing }
  }

  /// The client is gone, or can send no more.
  mutating func leave() -> OnLeave {
    switch state {
    case .receiving, .awaitingEnd, .deciding:
      state = state == .deciding ? .deciding : .left
      return .leave
    case .suspendingGrant, .stopping, .left, .finishing: return .leave
    case .idle, .answering: return .nothing
    }
  }

  /// What follows the last byte that was offered, where it is not the upload's last.
  enum OnGrantFilled: Equatable {
    case nothing
    case leave
    /// Wait for a moment whether the stream ends, and say ``endDidNotCome()`` if it does not.
    case awaitEnd
  }

  /// - Parameter isOfUnknownLength: whether the stream's end may make it whole.
  mutating func grantFilled(isOfUnknownLength: Bool) -> OnGrantFilled {
    guard state == .receiving else { return .nothing }
    state = isOfUnknownLength ? .awaitingEnd : .suspendingGrant
    return isOfUnknownLength ? .awaitEnd : .leave
  }

  /// The moment is over, or more bytes came.
  mutating func endDidNotCome() -> OnLeave {
    guard state == .awaitingEnd else { return .nothing }
    state = .stopping(.grantFull)
    return .leave
  }

  /// The client's end came while it was waited for.
  mutating func endCame() {
    if state == .awaitingEnd { state = .receiving }
  }

  // MARK: Ending before everything has arrived

  /// The client lets itself be waited for longer than it may: ``ClientWatch/Verdict/slowness``.
  mutating func isSlow(_ slowness: StopReason) -> OnLeave { stop(for: slowness) }

  private mutating func stop(for reason: StopReason) -> OnLeave {
    switch state {
    case .receiving, .awaitingEnd:
      state = .stopping(reason)
      return .leave
    case .idle, .deciding, .suspendingGrant, .stopping, .left, .finishing, .answering: return .nothing
    }
  }

  /// The core takes the upload away for a newer connection, and suspends it by itself.
  mutating func superseded() {
    if hasOffer { state = .stopping(.superseded) }
  }

  /// The client may not go on, and the core suspends the upload by itself.
  mutating func rightEnded() {
    if hasOffer { state = .stopping(.unauthorized) }
  }

  /// What follows when the gateway goes away.
  enum OnGatewayStop: Equatable {
    /// Leave the upload; its end is answered with the reason.
    case leave
    /// It is being stopped already.
    case nothing
    /// No upload is in the way: the front ends the connection as its protocol does.
    case frontDecides
  }

  mutating func gatewayStops() -> OnGatewayStop {
    isGatewayStopping = true
    switch state {
    case .receiving:
      state = .stopping(.gatewayStopping)
      return .leave
    case .stopping(let reason): return reason == .grantFull ? .frontDecides : .nothing
    case .idle, .deciding, .awaitingEnd, .suspendingGrant, .left, .finishing, .answering: return .frontDecides
    }
  }

  // MARK: The last word

  /// The upload is suspended.
  ///
  /// - Returns: why, for the client; `nil` where nobody was made an offer.
  mutating func suspended() -> StopReason? {
    let reason: StopReason?
    switch state {
    case .stopping(let why): reason = why
    case .suspendingGrant, .awaitingEnd, .receiving, .finishing: reason = .grantFull
    case .left: reason = .clientGone
    case .idle, .deciding, .answering: reason = nil
    }
    concluded()
    return reason
  }

  /// The upload has said its last word in another way.
  mutating func concluded() {
    state = .answering
    isPaused = false
  }

  /// The client has its answer: the next request may come.
  mutating func ended() {
    state = .idle
    isPaused = false
    safeOffset = nil
  }
}
