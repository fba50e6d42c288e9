// What the server says.
extension ClientExchange {
  /// What a packet leads to.
  public enum OnMessage: Hashable, Sendable {
    /// Send the stream's bytes from the offset on, as ``sendable`` allows, in portions of so many bytes.
    case send(from: Int64, portion: Int64)
    /// Nothing is missing: send no byte, the final comes.
    case awaitFinal
    /// So many bytes are safe.
    case progress(Int64)
    /// The exchange is over. If bytes are still being sent, stop.
    case over(ClientOutcome)
  }

  /// The parser has a head.
  ///
  /// - Throws: ``ServerViolation``; the connection is over then, and ``resumePoint`` nil: keep it before.
  public mutating func received(_ head: PacketHead) throws(ServerViolation) -> OnMessage {
    let previous = state
    state = .closed
    let message: ServerMessage
    do throws(MessageError) {
      message = try ServerMessage(head)
    } catch {
      throw .message(error)
    }
    switch (previous, message) {
    case (_, .refusal(let refusal)):
      return refused(refusal, previous)
    case (.awaitingOffer(let request, let point), .offer(let offer)):
      return try offered(offer, request, point)
    case (.sending(let sending), .progress(let progress)):
      let sending = try Self.advance(sending, progress)
      state = .sending(sending)
      return .progress(sending.safe)
    case (.awaitingFinal(let sending), .progress(let progress)):
      let sending = try Self.advance(sending, progress)
      state = .awaitingFinal(sending)
      return .progress(sending.safe)
    case (.sending(let sending), .final(let final)):
      guard final.status != .ok, final.status != .partial else { throw .left(final.left) }
      try Self.check(final, sending)
      return over(final, sending, connectionStays: false)
    case (.awaitingFinal(let sending), .final(let final)):
      try Self.check(final, sending)
      return over(final, sending, connectionStays: !sending.isUnlimited)
    case (.awaitingOffer(let request, let point), .final(let final)):
      return try finalInsteadOfOffer(final, request, point)
    case (.awaitingAnswer(let request), .final(let final)):
      return try answered(final, request)
    case (.awaitingAnswer(.giveUp), .gaveUp):
      return over(ClientOutcome(status: .ok, formats: [], reply: .none, next: .done, connectionStays: true))
    case (_, .offer):
      throw .unexpected("an offer")
    case (_, .progress):
      throw .unexpected("a progress packet")
    case (_, .final):
      throw .unexpected("a final packet")
    case (_, .gaveUp):
      throw .unexpected("the answer to a give up")
    }
  }

  private mutating func offered(
    _ offer: Offer, _ request: OpenRequest, _ point: ResumePoint?
  ) throws(ServerViolation) -> OnMessage {
    guard offer.format == request.format else { throw .format(offer.format) }
    var offset = offer.offset ?? 0
    var sent: Int64 = 0
    if let point {
      guard offer.key == point.key else { throw .key }
      guard let given = offer.offset else { throw .offsetMissing }
      offset = given
      guard offset >= point.safe else { throw .offsetWentBack(from: point.safe, to: offset) }
      sent = point.sent ?? offset
    }
    guard offset <= sent else { throw .offsetBeyond(offset, sent: sent) }
    var end: Int64?
    if case .known(let total) = request.total {
      guard offset <= total else { throw .offsetBeyond(offset, sent: total) }
      end = total
    }
    if case .next(let count) = offer.extent {
      end = offset + min(count, (end ?? .max) - offset)
    }
    let sending = Sending(
      request: request, key: offer.key, grantedEnd: end, position: offset, sent: sent, safe: offset)
    if end == offset {
      state = .awaitingFinal(sending)
      return .awaitFinal
    }
    state = .sending(sending)
    return .send(from: offset, portion: offer.buffer)
  }

  private static func advance(_ sending: Sending, _ progress: Progress) throws(ServerViolation) -> Sending {
    guard progress.key == sending.key else { throw .key }
    guard progress.offset >= sending.safe else { throw .offsetWentBack(from: sending.safe, to: progress.offset) }
    guard progress.offset <= sending.position else {
      throw .offsetBeyond(progress.offset, sent: sending.position)
    }
    var sending = sending
    sending.safe = progress.offset
    return sending
  }
}
