/// The client's side of one connection: its exchanges, one after another (protocol.md sections 4 and 5).
///
/// It does no I/O. It says what to send and how much, and holds the server to its word. After a
/// ``ServerViolation`` the connection is to be closed.
public struct ClientExchange: Sendable {
  enum State: Hashable, Sendable {
    case idle
    /// For an open or a resume; the point is the one that a resume starts from.
    case awaitingOffer(OpenRequest, ResumePoint?)
    case sending(Sending)
    case awaitingFinal(Sending)
    /// For an ask, a give up or a small upload.
    case awaitingAnswer(ClientRequest)
    case reply(Int64, connectionStays: Bool)
    case closed
  }

  /// A stream under way.
  struct Sending: Hashable, Sendable {
    var request: OpenRequest
    var key: StreamKey
    /// The byte that the offer ends before; nil without a limit.
    var grantedEnd: Int64?
    /// The next byte to send.
    var position: Int64
    /// The most that was ever sent of the stream, on any connection.
    var sent: Int64
    var safe: Int64
    var sourceEnded = false

    var point: ResumePoint { ResumePoint(key: key, safe: safe, sent: sent) }
    var isUnlimited: Bool { request.total == .unlimited }
  }

  var state = State.idle

  /// A connection before its first packet.
  public init() {}

  /// Whether a request may be started.
  public var isIdle: Bool { state == .idle }

  /// Where the stream stands that is under way, for a resume after the connection was lost; nil without a stream.
  public var resumePoint: ResumePoint? {
    switch state {
    case .awaitingOffer(_, let point): point
    case .sending(let sending), .awaitingFinal(let sending): sending.point
    case .idle, .awaitingAnswer, .reply, .closed: nil
    }
  }

  // MARK: Sending

  /// Starts a request: the head to send. A small upload's body follows it at once.
  ///
  /// - Parameter point: for a resume, what is known of the stream, so that the server's offset can be checked.
  /// - Throws: ``RequestError`` if a server would refuse it as malformed.
  public mutating func start(
    _ request: ClientRequest, from point: ResumePoint? = nil
  ) throws(RequestError) -> PacketHead {
    precondition(state == .idle, "a request before the last one was answered")
    let head = try request.head()
    switch request {
    case .open(let open):
      state = .awaitingOffer(open, nil)
    case .resume(let resume):
      precondition(point == nil || point?.key == resume.key, "the point is of another stream")
      state = .awaitingOffer(resume.open, point ?? ResumePoint(key: resume.key))
    case .ask, .giveUp, .payload:
      state = .awaitingAnswer(request)
    }
    return head
  }

  /// How many bytes of the stream may be sent now.
  public var sendable: Int64 {
    guard case .sending(let sending) = state else { return 0 }
    return (sending.grantedEnd ?? .max) - sending.position
  }

  /// What sent bytes lead to.
  public enum OnSent: Hashable, Sendable {
    /// More may be sent.
    case more
    /// That was all; the final packet comes.
    case awaitFinal
  }

  /// The next bytes of the stream were sent.
  ///
  /// - Precondition: no more than ``sendable``.
  public mutating func sent(_ count: Int) -> OnSent {
    guard case .sending(var sending) = state, count >= 0, Int64(count) <= sendable else {
      preconditionFailure("more was sent than offered")
    }
    sending.position += Int64(count)
    sending.sent = max(sending.sent, sending.position)
    if sending.position == sending.grantedEnd {
      state = .awaitingFinal(sending)
      return .awaitFinal
    }
    state = .sending(sending)
    return .more
  }

  /// A source of unknown length is at its end: send `close_notify` and read on, unless the exchange is over already.
  ///
  /// - Returns: whether to send `close_notify`.
  /// - Precondition: the stream's total is `*`.
  public mutating func sourceEnded() -> Bool {
    switch state {
    case .sending(var sending), .awaitingFinal(var sending):
      precondition(sending.isUnlimited, "a stream of known length ends with its last byte")
      sending.sourceEnded = true
      state = .awaitingFinal(sending)
      return true
    case .closed, .idle, .reply:
      return false
    case .awaitingOffer, .awaitingAnswer:
      preconditionFailure("a stream cannot end before it was offered")
    }
  }

  // MARK: Receiving

  /// What to do with the bytes at hand.
  public enum OnBytes: Hashable, Sendable {
    /// None are at hand.
    case wait
    /// Give them to the parser, a head goes to ``received(_:)``.
    case parsePacket
    /// The first so many belong to the backend's answer.
    case reply(Int, isLast: Bool)
    /// The exchange is over and the connection closes.
    case discard(Int)
  }

  /// Bytes have arrived. Those of a reply count as taken.
  public mutating func bytesAvailable(_ count: Int) -> OnBytes {
    guard count > 0 else { return .wait }
    switch state {
    case .reply(let left, let connectionStays):
      let taken = min(Int64(count), left)
      let isLast = taken == left
      state = isLast ? (connectionStays ? .idle : .closed) : .reply(left - taken, connectionStays: connectionStays)
      return .reply(Int(taken), isLast: isLast)
    case .closed:
      return .discard(count)
    case .idle, .awaitingOffer, .sending, .awaitingFinal, .awaitingAnswer:
      return .parsePacket
    }
  }

  /// What the end of the server's side leads to.
  public enum OnInputEnded: Hashable, Sendable {
    /// Nothing was under way.
    case closed
    /// The exchange was not answered. With a point the stream may be resumed.
    case lost(ResumePoint?)
  }

  /// No more bytes come from the server.
  public mutating func inputEnded() -> OnInputEnded {
    let point = resumePoint
    defer { state = .closed }
    switch state {
    case .idle, .closed: return .closed
    case .awaitingOffer, .sending, .awaitingFinal, .awaitingAnswer, .reply: return .lost(point)
    }
  }
}
