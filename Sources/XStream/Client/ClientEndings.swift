// How exchanges end, and whether the server may end them so.
extension ClientExchange {
  /// Holds a final to what was sent.
  static func check(_ final: Final, _ sending: Sending) throws(ServerViolation) {
    guard final.key == nil ? final.status != .ok && final.status != .partial : final.key == sending.key else {
      throw .key
    }
    switch (final.status, sending.request.total, final.left) {
    case (.ok, .unlimited, _):
      guard sending.sourceEnded else { throw .left(final.left) }
    case (.ok, .known(let total), _):
      guard sending.position == total else { throw .left(final.left) }
    case (.partial, .known(let total), .known(let left)):
      // The server may have made a beginning of what it granted safe only, but never less than it has said already.
      guard let end = sending.grantedEnd, left <= total, (sending.safe...end).contains(total - left) else {
        throw .left(final.left)
      }
    case (.partial, .unlimited, .unlimited):
      guard sending.position == sending.grantedEnd else { throw .left(final.left) }
    case (_, .known(let total), .known(let left)):
      guard left <= total, total - left <= sending.position else { throw .left(final.left) }
    case (_, .unlimited, .unlimited):
      break
    case (_, .known, .unlimited), (_, .unlimited, .known):
      throw .left(final.left)
    }
    if final.status == .ok, let digest = sending.request.digest {
      guard final.digest == digest else { throw .digest }
    }
    if let offset = final.offset, offset > sending.position {
      throw .offsetBeyond(offset, sent: sending.position)
    }
  }

  /// A stream's own final.
  mutating func over(_ final: Final, _ sending: Sending, connectionStays: Bool) -> OnMessage {
    var point = sending.point
    switch (sending.request.total, final.left) {
    case (.known(let total), .known(let left)) where left <= total: point.safe = total - left
    default: point.safe = final.offset ?? 0
    }
    return over(Self.outcome(final, point: point, connectionStays: connectionStays))
  }

  /// A resume is answered with a final if the stream is complete, or if the server has to end at once.
  mutating func finalInsteadOfOffer(
    _ final: Final, _ request: OpenRequest, _ point: ResumePoint?
  ) throws(ServerViolation) -> OnMessage {
    if final.status == .ok {
      guard let point else { throw .unexpected("a final packet before an offer") }
      guard final.key == point.key else { throw .key }
      if let digest = request.digest, let theirs = final.digest, digest != theirs { throw .digest }
    }
    let stays = final.status == .ok && request.total != .unlimited
    return over(Self.outcome(final, point: point, connectionStays: stays))
  }

  /// The answer to an ask or a small upload.
  mutating func answered(_ final: Final, _ request: ClientRequest) throws(ServerViolation) -> OnMessage {
    switch request {
    case .ask(let ask):
      if let key = final.key, key != ask.key { throw .key }
      if case .known(let total) = ask.total {
        guard case .known(let left) = final.left, left <= total else { throw .left(final.left) }
        if let offset = final.offset, offset > total { throw .offsetBeyond(offset, sent: total) }
      }
      let point = ResumePoint(key: ask.key, safe: final.offset ?? 0)
      return over(Self.outcome(final, point: point, connectionStays: true))
    case .payload(let payload):
      guard case .known(let left) = final.left, left <= payload.size else { throw .left(final.left) }
      if final.status == .ok {
        guard final.key != nil else { throw .key }
        if let digest = payload.digest, final.digest != digest { throw .digest }
      }
      // After a refusal the server may not read the rest of the body, so the connection is of no more use.
      return over(Self.outcome(final, point: nil, connectionStays: final.status == .ok))
    case .giveUp, .open, .resume:
      throw .unexpected("a final packet")
    }
  }

  mutating func refused(_ refusal: RefusalMessage, _ previous: State) -> OnMessage {
    let point: ResumePoint?
    var stays = refusal.status != .malformed && refusal.answersStream
    switch previous {
    case .awaitingOffer(_, let known):
      point = known
    case .awaitingAnswer(.ask(let ask)):
      point = ResumePoint(key: ask.key)
    case .awaitingAnswer:
      point = nil
    case .sending(let sending), .awaitingFinal(let sending):
      point = sending.point
      stays = false
    case .idle, .reply, .closed:
      point = nil
      stays = false
    }
    let next = Self.next(refusal.status, point: point, after: refusal.retryAfter)
    return over(
      ClientOutcome(
        status: refusal.status, reason: refusal.reason, key: point?.key, formats: refusal.formats, reply: .none,
        next: next, connectionStays: stays))
  }

  /// Ends the exchange; a reply is read first.
  mutating func over(_ outcome: ClientOutcome) -> OnMessage {
    let size = outcome.reply.size
    if size > 0 {
      state = .reply(size, connectionStays: outcome.connectionStays)
    } else {
      state = outcome.connectionStays ? .idle : .closed
    }
    return .over(outcome)
  }

  private static func outcome(_ final: Final, point: ResumePoint?, connectionStays: Bool) -> ClientOutcome {
    ClientOutcome(
      status: final.status, reason: final.reason, key: final.key ?? point?.key, left: final.left,
      digest: final.digest, formats: final.formats, reply: final.payload,
      next: next(final.status, point: point, after: final.retryAfter), connectionStays: connectionStays)
  }

  private static func next(_ status: Status, point: ResumePoint?, after: Int64?) -> ClientOutcome.Next {
    if status == .ok { return .done }
    // The key brings the same answer for ever; a new stream need not.
    if status == .gone { return .retry(after: after) }
    guard status.isWorthRetrying else { return .never }
    if let point { return .resume(point, after: after) }
    return .retry(after: after)
  }
}
