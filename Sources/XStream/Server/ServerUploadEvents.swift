// Events of the upload that the connection's bytes go to.
extension ServerExchange {
  /// What newly safe bytes lead to.
  public enum OnSafe: Hashable, Sendable {
    /// Nothing to say.
    case none
    /// Send these, in their order.
    case progress([ServerMessage])
  }

  /// All bytes before this offset are safe.
  ///
  /// - Parameters:
  ///   - offset: does not go back and is not past what was forwarded.
  ///   - isHeard: whether the client reads what it is sent. If not, it is told only what the widest spacing asks for;
  ///     call again with the same offset once it reads.
  public mutating func safe(upTo offset: Int64, isHeard: Bool = true) -> OnSafe {
    switch state {
    case .receiving(var transfer):
      let progress = Self.note(offset, isHeard: isHeard, &transfer)
      state = .receiving(transfer)
      return progress
    case .completing(var transfer, let goal):
      let progress = Self.note(offset, isHeard: isHeard, &transfer)
      state = .completing(transfer, goal)
      return progress
    case .idle, .deciding, .discarding, .draining, .closed:
      return .none
    }
  }

  /// One checkpoint may make more safe than progress packets may be apart: then there are several of them.
  private static func note(_ offset: Int64, isHeard: Bool, _ transfer: inout Transfer) -> OnSafe {
    precondition(offset >= transfer.safe && offset <= transfer.received, "an offset that cannot be")
    transfer.safe = offset
    guard let interval = transfer.interval else { return .none }
    var messages: [ServerMessage] = []
    func tell(_ offset: Int64) {
      transfer.lastProgress = offset
      messages.append(.progress(Progress(key: transfer.key, offset: offset)))
    }
    while offset - transfer.lastProgress > Transfer.widestProgress {
      tell(transfer.lastProgress + Transfer.widestProgress)
    }
    if offset - transfer.lastProgress >= (isHeard ? interval : Transfer.widestProgress) { tell(offset) }
    return messages.isEmpty ? .none : .progress(messages)
  }

  /// The upload is complete and safe, after ``Boundary/endOfUpload`` or a result named `finish`.
  ///
  /// - Parameters:
  ///   - digest: what the server computed, if the client had given one.
  ///   - reply: the size of the backend's answer; its bytes follow the head.
  public mutating func completed(digest: StreamDigest? = nil, reply: PacketHead.Payload = .none) -> OnAnswer {
    switch state {
    case .completing(let transfer, .complete):
      let after = endExchange(inputEnded: transfer.inputEnded, mustClose: transfer.isUnlimited)
      let final = Final(status: .ok, key: transfer.key, left: .known(0), digest: digest, payload: reply)
      return .send(.final(final), after)
    case .draining, .closed:
      return .none
    case .idle, .deciding, .receiving, .completing, .discarding:
      preconditionFailure("an upload was completed that had not ended")
    }
  }

  /// A partial offer is full, and no more of it will become safe on this connection, after ``Boundary/endOfGrant``.
  ///
  /// - Parameter safe: the bytes before this offset are safe. A store that stores in large units may keep a beginning
  ///   of what was granted only; the final then tells the client to go on from there. Nil: all that was granted. It is
  ///   not below what ``safe(upTo:isHeard:)`` said, and not past the grant's end.
  /// - Returns: ``OnAnswer/none`` also if the stream was of unknown length and has ended in the meantime; the
  ///   finish that ``inputEnded(clean:)`` asked for goes on.
  public mutating func partiallyFilled(safe: Int64? = nil) -> OnAnswer {
    switch state {
    case .completing(let transfer, .answerPartial):
      guard let end = transfer.grantedEnd else { preconditionFailure("a partial offer has an end") }
      let safe = safe ?? end
      precondition((transfer.safe...end).contains(safe), "an offset that cannot be safe")
      guard let left = transfer.left(safe: safe) else { preconditionFailure("a partial offer has bytes") }
      let after = endExchange(inputEnded: transfer.inputEnded, mustClose: transfer.isUnlimited)
      let final = Final(
        status: .partial, reason: "what was offered has arrived, more is left", key: transfer.key, left: left,
        offset: transfer.isUnlimited ? safe : nil)
      return .send(.final(final), after)
    case .completing(_, .complete), .draining, .closed:
      return .none
    case .idle, .deciding, .receiving, .discarding:
      preconditionFailure("a partial offer was filled that had not ended")
    }
  }

  /// Why an upload ends without success.
  public struct Failure: Hashable, Sendable {
    /// The status, neither ok nor partial.
    public var status: Status
    /// Why, for a person.
    public var reason: String
    /// Seconds after which another try makes sense.
    public var retryAfter: Int64?
    /// With status 13: what the server computed.
    public var digest: StreamDigest?
    /// Whether nothing is kept, so that LEFT is TOTAL: a digest that differs, a piped stream that cannot resume.
    public var keepsNothing: Bool

    /// A failure.
    public init(
      status: Status, reason: String, retryAfter: Int64? = nil, digest: StreamDigest? = nil,
      keepsNothing: Bool? = nil
    ) {
      precondition(status != .ok && status != .partial, "a failure is neither ok nor partial")
      self.status = status
      self.reason = reason
      self.retryAfter = retryAfter
      self.digest = digest
      self.keepsNothing = keepsNothing ?? (status == .digest)
    }
  }

  /// The upload failed. In the middle of the bytes the connection closes; once they have all arrived it stays.
  public mutating func failed(_ failure: Failure) -> OnAnswer {
    switch state {
    case .receiving(let transfer):
      state = .draining
      return .send(Self.message(failure, transfer), .drainThenClose)
    case .completing(let transfer, _):
      let after = endExchange(inputEnded: transfer.inputEnded, mustClose: transfer.isUnlimited)
      return .send(Self.message(failure, transfer), after)
    case .draining, .closed:
      return .none
    case .idle, .deciding, .discarding:
      preconditionFailure("an upload failed that does not exist")
    }
  }

  /// A newer connection of the same client took the stream over (protocol.md section 5). Status 10 is final for
  /// this connection's client, so that two connections never take a stream from each other in turns.
  public mutating func detached() -> OnAnswer {
    switch state {
    case .receiving(let transfer), .completing(let transfer, _):
      state = transfer.inputEnded ? .closed : .draining
      let failure = Failure(status: .unknownKey, reason: "a newer connection has taken the stream over")
      return .send(Self.message(failure, transfer), transfer.inputEnded ? .close : .drainThenClose)
    case .idle, .deciding, .discarding, .draining, .closed:
      return .none
    }
  }

  static func message(_ failure: Failure, _ transfer: Transfer) -> ServerMessage {
    let safe = failure.keepsNothing || transfer.isPayload ? 0 : transfer.safe
    // With another digest LEFT is TOTAL, also where that is 0; else a stream of 0 bytes has no LEFT that goes with a
    // failure.
    guard let left = transfer.left(safe: safe) ?? (failure.status == .digest ? .known(0) : nil) else {
      return .refusal(RefusalMessage(status: failure.status, reason: failure.reason, retryAfter: failure.retryAfter))
    }
    return .final(
      Final(
        status: failure.status, reason: failure.reason, key: transfer.key, left: left,
        offset: transfer.isUnlimited && !failure.keepsNothing ? safe : nil, digest: failure.digest,
        retryAfter: failure.retryAfter))
  }
}
