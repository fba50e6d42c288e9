internal import GatewayCore

/// Decides what becomes of one backend stream: what is safe, when its end is sent, when it is complete. No I/O.
///
/// Offsets count from the upload's start; a header before it is not part of them.
struct PipeMachine {
  /// What has to be done next.
  enum Step: Equatable {
    /// A checkpoint is answered.
    case safe(upTo: Int64)
    /// Ends the sending direction.
    case endOutput
    /// The backend has everything.
    case complete
  }

  private let total: Int64?
  private let done: PipeForwarder.Completion
  /// What the end of the sending direction may still have in the send queue when all bytes before it are acknowledged.
  private let endSize: Int

  /// Offset after all bytes that were given.
  private(set) var accepted: Int64 = 0
  /// Offset after the bytes that the socket took.
  private(set) var flushed: Int64 = 0
  /// Offset after the bytes that the backend, or its kernel, took.
  private(set) var taken: Int64 = 0
  private var checkpointTarget: Int64?
  private var isFinishing = false
  private var hasBegunToEnd = false
  private var hasEnded = false
  private var hasEverything = false
  private var isPeerDone = false
  private var isComplete = false

  /// - Parameter endSize: in bytes: 1 for a FIN, a `close_notify` record for TLS, 0 for a unix socket.
  init(total: Int64?, done: PipeForwarder.Completion, endSize: Int) {
    self.total = total
    self.done = done
    self.endSize = endSize
  }

  /// Whether something waits on how much of the send queue is acknowledged.
  var needsSample: Bool { !isComplete && (checkpointTarget != nil || (hasEnded && done == .sent && !hasEverything)) }
  /// Whether the backend has something to do: without a sign of it for long, it is given up.
  var isWaiting: Bool {
    !isComplete && (flushed < accepted || checkpointTarget != nil || isFinishing)
  }

  /// Whether so many bytes more are the last.
  func isComplete(with count: Int) -> Bool { accepted + Int64(count) == total }

  mutating func accept(_ count: Int) {
    accepted += Int64(count)
  }

  mutating func flushed(_ count: Int) {
    flushed += Int64(count)
  }

  /// The last `unacknowledged` bytes of the socket's stream hold at most so many bytes of the upload: header, TLS records
  /// and the end only add to it.
  mutating func sampled(unacknowledged: Int) {
    taken = max(taken, flushed - Int64(unacknowledged))
    if hasEnded, unacknowledged == 0 { hasEverything = true }
  }

  mutating func checkpoint() {
    checkpointTarget = accepted
  }

  /// Whoever waited for the answer has gone.
  mutating func forgetCheckpoint() {
    checkpointTarget = nil
  }

  mutating func finish() {
    isFinishing = true
  }

  mutating func outputEnded() {
    hasEnded = true
  }

  /// The backend has closed its side in order.
  ///
  /// One that closes a socket before it read all that arrived resets it, so what it acknowledged before its end, it read.
  /// - Returns: whether it may; if not, it broke off.
  mutating func peerEnded(unacknowledged: Int) -> Bool {
    guard isFinishing || accepted == total else { return false }
    guard flushed == accepted, unacknowledged <= (hasBegunToEnd ? endSize : 0) else { return false }
    isPeerDone = true
    taken = accepted
    return true
  }

  /// What is to be done now; `nil` for nothing more.
  mutating func next() -> Step? {
    guard !isComplete else { return nil }
    if let target = checkpointTarget, taken >= target {
      checkpointTarget = nil
      return .safe(upTo: taken)
    }
    guard isFinishing else { return nil }
    if !hasBegunToEnd, flushed == accepted {
      hasBegunToEnd = true
      return .endOutput
    }
    guard hasBegunToEnd, isPeerDone || (done == .sent && hasEverything) else { return nil }
    taken = accepted
    // The target was covered above at the latest now.
    if checkpointTarget != nil { return next() }
    isComplete = true
    return .complete
  }
}
