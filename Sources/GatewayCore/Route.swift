/// One place that clients may upload to, and on which terms.
public struct Route: Sendable {
  /// Absolute, as the client names it: `/upload-file`.
  public var path: String
  /// What may come in; never empty.
  public var formats: [DataFormat]
  /// Portion sizes, in bytes, that a client's own is held within.
  public var buffer: ClosedRange<Int64>
  /// What all clients together may take.
  public var limits: RouteLimits
  /// How long an unfinished upload whose client is gone is kept.
  public var resumeFor: Duration
  /// Whether announced streams may come in.
  public var takesStreams: Bool
  /// Who may upload.
  public var access: RouteAccess
  /// Whether what an upload takes up in the store counts against ``RouteLimits/held``, rather than its own size.
  public var countsStored: Bool
  /// What each client may take of ``limits``.
  public var clientLimits: ClientLimits
  /// What becomes of an upload of which the quotas do not leave all.
  public var onQuota: QuotaPolicy
  /// Whether complete uploads are somebody else's: then they do not count against ``RouteLimits/held``.
  public var holdsNothing: Bool

  /// All of it.
  public init(
    path: String, formats: [DataFormat], buffer: ClosedRange<Int64>, limits: RouteLimits, resumeFor: Duration,
    takesStreams: Bool, access: RouteAccess, countsStored: Bool = false, holdsNothing: Bool = false,
    clientLimits: ClientLimits = ClientLimits(), onQuota: QuotaPolicy = .partial
  ) {
    self.path = path
    self.formats = formats
    self.buffer = buffer
    self.limits = limits
    self.resumeFor = resumeFor
    self.takesStreams = takesStreams
    self.access = access
    self.countsStored = countsStored
    self.clientLimits = clientLimits
    self.onQuota = onQuota
    self.holdsNothing = holdsNothing
  }

  /// What a complete upload counts: never more than its own size, which is what was reserved.
  func charge(size: Int64, stored: Int64?) -> Int64 {
    if holdsNothing { return 0 }
    return countsStored ? min(size, stored ?? size) : size
  }
}

/// The bounds of a route.
public struct RouteLimits: Hashable, Sendable {
  /// The largest upload, in bytes.
  public var upload: Int64
  /// What the route may hold in all, unfinished reservations and complete uploads together, in bytes.
  public var held: Int64
  /// The most uploads at once that a connection is attached to.
  public var concurrent: Int
  /// The most unfinished uploads, attached or waiting to be resumed.
  public var unfinished: Int
  /// The largest payload of a packet without `x-stream`, in bytes; 0 takes none.
  public var payload: Int64
  /// What all clients together may upload in a time; `nil` bounds it by ``held`` alone.
  public var window: WindowLimit?
  /// Bytes a second of all uploads together; `nil` for no bound.
  public var bandwidth: Int64?

  /// All of it.
  public init(
    upload: Int64, held: Int64, concurrent: Int, unfinished: Int, payload: Int64, window: WindowLimit? = nil,
    bandwidth: Int64? = nil
  ) {
    self.upload = upload
    self.held = held
    self.concurrent = concurrent
    self.unfinished = unfinished
    self.payload = payload
    self.window = window
    self.bandwidth = bandwidth
  }
}

/// Who may upload to a route. Any one of what it names suffices.
public struct RouteAccess: Sendable {
  /// Clients that show nothing are welcome.
  public var takesAnyone: Bool
  /// Clients with a certificate that the listener verified are welcome.
  public var takesCertificates: Bool
  /// Tokens that are welcome.
  public var tokens: (any TokenDirectory)?

  /// All of it.
  public init(takesAnyone: Bool, takesCertificates: Bool, tokens: (any TokenDirectory)?) {
    self.takesAnyone = takesAnyone
    self.takesCertificates = takesCertificates
    self.tokens = tokens
  }
}

/// Knows bearer tokens by what it keeps of them, never by themselves.
public protocol TokenDirectory: Sendable {
  /// The name that `token` is registered under, or `nil` for one that nobody registered.
  func name(of token: String) -> String?
}
