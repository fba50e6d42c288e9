/// What became of a request (protocol.md section 6). The raw value is the number on the wire.
public enum Status: Int, Hashable, Sendable, CaseIterable {
  /// Everything arrived and is safe.
  case ok = 0
  /// Not a packet, or a header's value is not valid.
  case malformed = 1
  /// No such route.
  case noRoute = 2
  /// The route takes no streams, or no payloads.
  case noStream = 3
  /// The route does not take this data-format.
  case format = 4
  /// No credentials, or wrong ones.
  case unauthorized = 5
  /// More than one stream may have on this route.
  case tooLarge = 6
  /// The route's or the client's quota is used up.
  case quota = 7
  /// Too many streams at once.
  case busy = 8
  /// What was offered arrived, more is left.
  case partial = 9
  /// No such unfinished stream for this client.
  case unknownKey = 10
  /// The store failed or is full.
  case storage = 11
  /// The backend cannot be reached, refused, or broke off.
  case backend = 12
  /// The digest does not match.
  case digest = 13
  /// The client or the backend was silent for too long.
  case timeout = 14
  /// The server is going away.
  case shutdown = 15
  /// A fault of the server's own.
  case `internal` = 16
  /// This stream can never be completed: begin a new one.
  case gone = 17

  /// The name that protocol.md gives it, such as `unknown-key`.
  public var name: String {
    switch self {
    case .ok: "ok"
    case .malformed: "malformed"
    case .noRoute: "no-route"
    case .noStream: "no-stream"
    case .format: "format"
    case .unauthorized: "unauthorized"
    case .tooLarge: "too-large"
    case .quota: "quota"
    case .busy: "busy"
    case .partial: "partial"
    case .unknownKey: "unknown-key"
    case .storage: "storage"
    case .backend: "backend"
    case .digest: "digest"
    case .timeout: "timeout"
    case .shutdown: "shutdown"
    case .internal: "internal"
    case .gone: "gone"
    }
  }

  /// Whether a client should try again with the key. ``gone`` is a reason to begin a new stream; the others are final.
  public var isWorthRetrying: Bool {
    switch self {
    case .quota, .busy, .partial, .storage, .backend, .timeout, .shutdown, .internal: true
    case .ok, .malformed, .noRoute, .noStream, .format, .unauthorized, .tooLarge, .unknownKey, .digest, .gone: false
    }
  }
}
