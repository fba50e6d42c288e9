/// Where an unfinished stream stands; with it a client goes on, on this connection or another.
public struct ResumePoint: Hashable, Sendable {
  /// The stream's key.
  public var key: StreamKey
  /// Bytes that the server has said to be safe.
  public var safe: Int64
  /// Bytes that were ever sent, the most that can be safe; nil if not known, as after the client's own restart.
  public var sent: Int64?

  /// A point.
  public init(key: StreamKey, safe: Int64 = 0, sent: Int64? = nil) {
    self.key = key
    self.safe = safe
    self.sent = sent
  }
}

/// How an exchange ended, as the client sees it.
public struct ClientOutcome: Hashable, Sendable {
  /// What to do next.
  public enum Next: Hashable, Sendable {
    /// All is well.
    case done
    /// Go on from there, after so many seconds if the server said how many.
    case resume(ResumePoint, after: Int64?)
    /// Ask again from the start, after so many seconds if the server said how many.
    case retry(after: Int64?)
    /// Another try would end the same way.
    case never
  }

  /// The server's status.
  public var status: Status
  /// Why, for a person.
  public var reason: String?
  /// The stream's key, if there is a stream.
  public var key: StreamKey?
  /// Bytes that have not arrived; nil after a refusal.
  public var left: Total?
  /// The digest that the server computed.
  public var digest: StreamDigest?
  /// After status 4: the formats that the route takes.
  public var formats: [StreamFormat]
  /// The backend's answer, which ``ClientExchange/bytesAvailable(_:)`` hands out next.
  public var reply: PacketHead.Payload
  /// What to do next.
  public var next: Next
  /// Whether another exchange may follow on this connection.
  public var connectionStays: Bool
}
