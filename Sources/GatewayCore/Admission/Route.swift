/// One place that clients may upload to, and on which terms.
package struct Route: Sendable {
  /// Absolute, as the client names it: `/upload-file`.
  package var path: String
  /// What may come in; never empty.
  package var formats: [DataFormat]
  /// Portion sizes, in bytes, that a client's own is held within.
  package var buffer: ClosedRange<Int64>
  /// What all clients together may take.
  package var limits: RouteLimits
  /// How long an unfinished upload whose client is gone is kept.
  package var resumeFor: Duration
  /// Whether announced streams may come in.
  package var takesStreams: Bool
  /// Who may upload.
  package var access: RouteAccess
  /// Whether what an upload takes up in the store counts against ``RouteLimits/held``, rather than its own size.
  package var countsStored: Bool
  /// What each client may take of ``limits``.
  package var clientLimits: ClientLimits
  /// What becomes of an upload of which the quotas do not leave all.
  package var onQuota: QuotaPolicy
  /// Whether parts are dropped once an upload that is made of them is complete.
  package var dropsParts: Bool
  /// How long the file of a complete upload is kept; `nil` for as long as nobody takes it away.
  package var keep: Duration?
  /// How long a complete upload is remembered whose file is not there, or that never had one.
  package var remember: Duration

  /// Where nobody says how long a complete upload is remembered.
  package static let remember = Duration.seconds(90 * 86_400)
  /// Judges new uploads before they are offered; `nil` where nobody does.
  package var judge: (any OpeningJudge)?

  /// All of it.
  package init(
    path: String, formats: [DataFormat], buffer: ClosedRange<Int64>, limits: RouteLimits, resumeFor: Duration,
    takesStreams: Bool, access: RouteAccess, countsStored: Bool = false,
    clientLimits: ClientLimits = ClientLimits(), onQuota: QuotaPolicy = .partial, dropsParts: Bool = false,
    keep: Duration? = nil, remember: Duration = Self.remember
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
    self.dropsParts = dropsParts
    self.keep = keep
    self.remember = remember
  }
}

/// The bounds of a route.
package struct RouteLimits: Hashable, Sendable {
  /// The largest upload, in bytes.
  package var upload: Int64
  /// What the route may hold in all, unfinished reservations and complete uploads together, in bytes.
  package var held: Int64
  /// The most uploads at once that a connection is attached to.
  package var concurrent: Int
  /// The most unfinished uploads, attached or waiting to be resumed.
  package var unfinished: Int
  /// The largest payload of a packet without `x-stream`, in bytes; 0 takes none.
  package var payload: Int64
  /// What all clients together may upload in a time; `nil` bounds it by ``held`` alone.
  package var window: WindowLimit?
  /// Bytes a second of all uploads together; `nil` for no bound.
  package var bandwidth: Int64?

  /// All of it.
  package init(
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
