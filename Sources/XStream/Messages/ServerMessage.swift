/// What a server says in one packet (protocol.md sections 4 and 5).
public enum ServerMessage: Hashable, Sendable {
  /// How much of the stream is taken.
  case offer(Offer)
  /// More bytes are safe.
  case progress(Progress)
  /// What arrived; the exchange is over.
  case final(Final)
  /// Nothing is taken.
  case refusal(RefusalMessage)
  /// The stream was dropped, as asked.
  case gaveUp
}

/// An offer.
public struct Offer: Hashable, Sendable {
  /// How much is taken.
  public enum Extent: Hashable, Sendable {
    /// All of it, or for a stream of unknown length: no limit is known.
    case whole
    /// No more than the next so many bytes, at least 1.
    case next(Int64)
  }

  /// How much is taken.
  public var extent: Extent
  /// The portion size in bytes, at least 1. The server takes any split.
  public var buffer: Int64
  /// The stream's key.
  public var key: StreamKey
  /// What the server will take.
  public var format: StreamFormat
  /// For a resumed stream the byte to go on from; nil for a new one.
  public var offset: Int64?

  /// An offer.
  public init(extent: Extent, buffer: Int64, key: StreamKey, format: StreamFormat, offset: Int64? = nil) {
    self.extent = extent
    self.buffer = buffer
    self.key = key
    self.format = format
    self.offset = offset
  }
}

/// A progress packet.
public struct Progress: Hashable, Sendable {
  /// The stream's key.
  public var key: StreamKey
  /// Bytes from the stream's start that are safe.
  public var offset: Int64

  /// A progress packet.
  public init(key: StreamKey, offset: Int64) {
    self.key = key
    self.offset = offset
  }
}

/// A final packet.
public struct Final: Hashable, Sendable {
  /// What became of the stream; ok if and only if `left` is 0.
  public var status: Status
  /// One line for a person, with a status other than ok.
  public var reason: String?
  /// The stream's key; nil if there never was a stream, as for a small upload that was refused.
  public var key: StreamKey?
  /// Bytes that have not arrived.
  public var left: Total
  /// Bytes from the start that are safe: in the answer to a question, and where `left` is `*`.
  public var offset: Int64?
  /// The digest that the server computed.
  public var digest: StreamDigest?
  /// Seconds after which another try makes sense.
  public var retryAfter: Int64?
  /// With status 4: what the route takes.
  public var formats: [StreamFormat]
  /// A backend's answer, which follows the head.
  public var payload: PacketHead.Payload

  /// A final.
  public init(
    status: Status, reason: String? = nil, key: StreamKey?, left: Total, offset: Int64? = nil,
    digest: StreamDigest? = nil, retryAfter: Int64? = nil, formats: [StreamFormat] = [],
    payload: PacketHead.Payload = .none
  ) {
    self.status = status
    self.reason = reason
    self.key = key
    self.left = left
    self.offset = offset
    self.digest = digest
    self.retryAfter = retryAfter
    self.formats = formats
    self.payload = payload
  }
}

/// A refusal: nothing is taken.
public struct RefusalMessage: Hashable, Sendable {
  /// Why, never ok.
  public var status: Status
  /// Why, for a person.
  public var reason: String
  /// Seconds after which another try makes sense.
  public var retryAfter: Int64?
  /// With status 4: what the route takes.
  public var formats: [StreamFormat]
  /// Whether the packet says `x-stream: -1`; it does not where no `x-stream` was understood.
  public var answersStream: Bool

  /// A refusal.
  public init(
    status: Status, reason: String, retryAfter: Int64? = nil, formats: [StreamFormat] = [],
    answersStream: Bool = true
  ) {
    precondition(status != .ok, "a refusal has a reason")
    self.status = status
    self.reason = reason
    self.retryAfter = retryAfter
    self.formats = formats
    self.answersStream = answersStream
  }
}
