/// What a client asks for in one packet (protocol.md sections 4 and 5).
public enum ClientRequest: Hashable, Sendable {
  /// A new stream.
  case open(OpenRequest)
  /// More of an earlier stream.
  case resume(ResumeRequest)
  /// How far an earlier stream is.
  case ask(AskRequest)
  /// An earlier stream is not wanted any more.
  case giveUp(GiveUpRequest)
  /// A small upload with its body in the packet.
  case payload(PayloadRequest)

  /// What every request has.
  public var context: RequestContext {
    switch self {
    case .open(let request): request.context
    case .resume(let request): request.context
    case .ask(let request): request.context
    case .giveUp(let request): request.context
    case .payload(let request): request.context
    }
  }

  /// The key of the earlier stream that the request speaks of, if any.
  public var key: StreamKey? {
    switch self {
    case .open, .payload: nil
    case .resume(let request): request.key
    case .ask(let request): request.key
    case .giveUp(let request): request.key
    }
  }

  /// The bytes of the whole stream as the client gave them; nil for a give up, which gives none.
  public var total: Total? {
    switch self {
    case .open(let request): request.total
    case .resume(let request): request.total
    case .ask(let request): request.total
    case .giveUp: nil
    case .payload(let request): .known(request.size)
    }
  }
}

/// Where a request goes and who sends it.
public struct RequestContext: Hashable, Sendable {
  /// An absolute path, beginning with `/`.
  public var route: String
  /// The credentials, if there are any.
  public var authorization: Authorization?
  /// The trace that the request belongs to.
  public var traceparent: TraceParent?

  /// A context.
  public init(route: String, authorization: Authorization? = nil, traceparent: TraceParent? = nil) {
    self.route = route
    self.authorization = authorization
    self.traceparent = traceparent
  }
}

/// Opens a new stream.
public struct OpenRequest: Hashable, Sendable {
  /// Where to, and who.
  public var context: RequestContext
  /// What the bytes are.
  public var format: StreamFormat
  /// All bytes of the stream.
  public var total: Total
  /// The portion size that the client would like, at least 1 byte.
  public var buffer: Int64
  /// A progress packet each time so many more bytes are safe, at least 1.
  public var acknowledgeEvery: Int64?
  /// The digest that the server is to compare.
  public var digest: StreamDigest?
  /// The file's own name.
  public var name: StreamName?

  /// An open.
  public init(
    context: RequestContext, format: StreamFormat, total: Total, buffer: Int64, acknowledgeEvery: Int64? = nil,
    digest: StreamDigest? = nil, name: StreamName? = nil
  ) {
    self.context = context
    self.format = format
    self.total = total
    self.buffer = buffer
    self.acknowledgeEvery = acknowledgeEvery
    self.digest = digest
    self.name = name
  }
}

/// Goes on with an earlier stream.
public struct ResumeRequest: Hashable, Sendable {
  /// What an open has. Total and route have to be those that the stream began with.
  public var open: OpenRequest
  /// The stream.
  public var key: StreamKey

  /// Where to, and who.
  public var context: RequestContext { open.context }
  /// All bytes of the stream.
  public var total: Total { open.total }

  /// A resume.
  public init(open: OpenRequest, key: StreamKey) {
    self.open = open
    self.key = key
  }
}

/// Asks how far a stream is; nothing changes.
public struct AskRequest: Hashable, Sendable {
  /// Where to, and who.
  public var context: RequestContext
  /// The total that the stream began with.
  public var total: Total
  /// The stream.
  public var key: StreamKey

  /// A question.
  public init(context: RequestContext, total: Total, key: StreamKey) {
    self.context = context
    self.total = total
    self.key = key
  }
}

/// Drops an unfinished stream.
public struct GiveUpRequest: Hashable, Sendable {
  /// Where to, and who.
  public var context: RequestContext
  /// The stream.
  public var key: StreamKey

  /// A give up.
  public init(context: RequestContext, key: StreamKey) {
    self.context = context
    self.key = key
  }
}

/// A small upload in one go: the body follows the head.
public struct PayloadRequest: Hashable, Sendable {
  /// Where to, and who.
  public var context: RequestContext
  /// What the bytes are.
  public var format: StreamFormat
  /// The body in bytes.
  public var size: Int64
  /// The digest that the server is to compare.
  public var digest: StreamDigest?
  /// The file's own name.
  public var name: StreamName?

  /// An upload of `size` bytes.
  public init(
    context: RequestContext, format: StreamFormat, size: Int64, digest: StreamDigest? = nil, name: StreamName? = nil
  ) {
    self.context = context
    self.format = format
    self.size = size
    self.digest = digest
    self.name = name
  }
}
