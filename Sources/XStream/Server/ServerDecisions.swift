/// What the core grants to an open or a resume.
public struct Grant: Hashable, Sendable {
  /// How much is taken.
  public var extent: Offer.Extent
  /// The portion size in bytes, at least 1.
  public var buffer: Int64
  /// The stream's key.
  public var key: StreamKey
  /// The format that will be taken.
  public var format: StreamFormat
  /// The byte to go on from; 0 for a new stream.
  public var offset: Int64

  /// A grant.
  public init(extent: Offer.Extent, buffer: Int64, key: StreamKey, format: StreamFormat, offset: Int64 = 0) {
    self.extent = extent
    self.buffer = buffer
    self.key = key
    self.format = format
    self.offset = offset
  }
}

// The core's decisions on the request that `received` handed out.
extension ServerExchange {
  /// What an offer leads to.
  public enum OnOffered: Hashable, Sendable {
    /// Send the offer, the bytes follow. Ask ``bytesAvailable(_:)`` for those that came early.
    case receive(ServerMessage)
    /// Send the offer and finish the upload: no byte is missing.
    case finish(ServerMessage)
    /// The client cannot send the bytes any more: send the offer if there is one, suspend the upload as after a
    /// lost connection, and close.
    case suspend(ServerMessage?)
  }

  /// The core takes bytes of an open or a resume.
  ///
  /// - Precondition: the offset is within the total, the extent is at least one byte, the buffer is above 0.
  public mutating func offered(_ grant: Grant) -> OnOffered {
    let request: OpenRequest
    let isResume: Bool
    let inputEnded: Bool
    switch state {
    case .deciding(.open(let open), let ended):
      (request, isResume, inputEnded) = (open, false, ended)
    case .deciding(.resume(let resume), let ended):
      (request, isResume, inputEnded) = (resume.open, true, ended)
    case .closed:
      return .suspend(nil)
    case .idle, .deciding, .receiving, .completing, .discarding, .draining:
      preconditionFailure("an offer without an open packet")
    }
    precondition(grant.offset >= 0 && grant.buffer > 0, "an offer out of range")
    var transfer = Transfer(
      key: grant.key, total: request.total, offset: grant.offset, acknowledgeEvery: request.acknowledgeEvery)
    let extent = Self.extent(grant, total: request.total)
    transfer.grantedEnd = extent.end
    let offer = ServerMessage.offer(
      Offer(
        extent: extent.offered, buffer: grant.buffer, key: grant.key, format: grant.format,
        offset: isResume ? grant.offset : nil))
    transfer.inputEnded = inputEnded
    if transfer.goal == .complete && transfer.isFull || inputEnded && transfer.isUnlimited {
      state = .completing(transfer, .complete)
      return .finish(offer)
    }
    if inputEnded {
      state = .closed
      return .suspend(offer)
    }
    state = .receiving(transfer)
    return .receive(offer)
  }

  /// What the offer says, and where it ends. A part that covers the rest is the whole.
  private static func extent(_ grant: Grant, total: Total) -> (offered: Offer.Extent, end: Int64?) {
    switch (grant.extent, total) {
    case (.whole, .known(let total)):
      precondition(grant.offset <= total, "an offset past the total")
      return (.whole, total)
    case (.whole, .unlimited):
      return (.whole, nil)
    case (.next(let count), .known(let total)):
      precondition(grant.offset <= total && count > 0, "an offer out of range")
      guard count < total - grant.offset else { return (.whole, total) }
      return (.next(count), grant.offset + count)
    case (.next(let count), .unlimited):
      precondition(count > 0, "an offer of nothing is a refusal")
      let room = min(count, Int64.max - grant.offset)
      return (.next(room), grant.offset + room)
    }
  }

  /// What an accepted small upload leads to.
  public enum OnPayloadAccepted: Hashable, Sendable {
    /// The body follows.
    case receive
    /// Finish the upload: its body is empty.
    case finish
    /// The client is gone: drop the upload and close.
    case drop
  }

  /// The core takes a small upload, whose final will have this key.
  public mutating func payloadAccepted(key: StreamKey) -> OnPayloadAccepted {
    guard case .deciding(.payload(let request), let inputEnded) = state else {
      precondition(state == .closed, "a small upload was accepted that nobody asked for")
      return .drop
    }
    var transfer = Transfer(key: key, total: .known(request.size), offset: 0, acknowledgeEvery: nil)
    transfer.isPayload = true
    transfer.grantedEnd = request.size
    transfer.inputEnded = inputEnded
    if request.size == 0 {
      state = .completing(transfer, .complete)
      return .finish
    }
    if inputEnded {
      state = .closed
      return .drop
    }
    state = .receiving(transfer)
    return .receive
  }

  /// The core takes nothing. Whatever the client has sent for it already is read as the next packet, but the body
  /// of a small upload, which is discarded. After status 1, and after a small upload that is too large, the
  /// connection closes.
  public mutating func refused(_ refusal: RefusalMessage) -> OnAnswer {
    guard case .deciding(let request, let inputEnded) = state else {
      precondition(state == .closed, "a refusal without a request")
      return .none
    }
    var mustClose = refusal.status == .malformed
    guard case .payload(let payload) = request else {
      let after = endExchange(inputEnded: inputEnded, mustClose: mustClose)
      var refusal = refusal
      refusal.answersStream = true
      return .send(.refusal(refusal), after)
    }
    mustClose = mustClose || refusal.status == .tooLarge || payload.size > Self.largestDiscard
    let after = endExchange(inputEnded: inputEnded, mustClose: mustClose)
    if after == .keepOpen, payload.size > 0 { state = .discarding(payload.size) }
    guard payload.size > 0 else { return .send(.refusal(refusal), after) }
    let final = Final(
      status: refusal.status, reason: refusal.reason, key: nil, left: .known(payload.size),
      retryAfter: refusal.retryAfter, formats: refusal.formats)
    return .send(.final(final), after)
  }

  /// The core's word on an earlier stream.
  public enum Answer: Hashable, Sendable {
    /// It is complete: for an ask or a resume. The digest if the stream was digested, and the backend's answer.
    case complete(digest: StreamDigest?, reply: PacketHead.Payload)
    /// So many bytes are safe: for an ask.
    case safe(Int64)
    /// It can never be completed, because its backend's stream is gone: for an ask or a resume. LEFT is TOTAL.
    case gone
    /// It was dropped: for a give up.
    case gaveUp
  }

  /// The core answers an ask, a give up, or a resume of a complete stream.
  public mutating func answered(_ answer: Answer) -> OnAnswer {
    guard case .deciding(let request, let inputEnded) = state else {
      precondition(state == .closed, "an answer without a request")
      return .none
    }
    let message: ServerMessage
    var mustClose = false
    switch (answer, request) {
    case (.complete(let digest, let reply), .ask(let ask)):
      message = .final(
        Final(status: .ok, key: ask.key, left: .known(0), digest: digest, payload: reply))
    case (.complete(let digest, let reply), .resume(let resume)):
      mustClose = resume.total == .unlimited
      message = .final(
        Final(status: .ok, key: resume.key, left: .known(0), digest: digest, payload: reply))
    case (.safe(let offset), .ask(let ask)):
      message = Self.partial(ask, safe: offset)
    case (.gone, .ask(let ask)):
      message = Self.gone(ask.key, total: ask.total)
    case (.gone, .resume(let resume)):
      message = Self.gone(resume.key, total: resume.total)
    case (.gaveUp, .giveUp):
      message = .gaveUp
    case (.complete, _), (.safe, _), (.gone, _), (.gaveUp, _):
      preconditionFailure("the answer is to another kind of request")
    }
    return .send(message, endExchange(inputEnded: inputEnded, mustClose: mustClose))
  }

  private static func gone(_ key: StreamKey, total: Total) -> ServerMessage {
    let reason = "the backend's stream is gone; begin a new one"
    guard let left = Transfer(key: key, total: total, offset: 0, acknowledgeEvery: nil).left(safe: 0) else {
      return .refusal(RefusalMessage(status: .gone, reason: reason))
    }
    return .final(Final(status: .gone, reason: reason, key: key, left: left))
  }

  private static func partial(_ ask: AskRequest, safe: Int64) -> ServerMessage {
    let transfer = Transfer(key: ask.key, total: ask.total, offset: safe, acknowledgeEvery: nil)
    let reason = "the stream is not complete"
    guard let left = transfer.left(safe: safe) else {
      return .refusal(RefusalMessage(status: .partial, reason: reason))
    }
    var offset = safe
    if case .known(let total) = ask.total, case .known(let left) = left { offset = total - left }
    return .final(Final(status: .partial, reason: reason, key: ask.key, left: left, offset: offset))
  }
}
