public import NIOCore

/// Where a route's bytes go: a directory, or a backend. Opens a ``Sink`` for one upload.
public protocol Forwarder: Sendable {
  /// A sink for the upload's bytes from `offset` on; it says ``SinkEvent/opened`` when it is ready for them.
  ///
  /// Bytes beyond `offset` that an earlier connection left are cut; where fewer are there, the sink says
  /// ``SinkEvent/failed`` and never fills the gap. `offset` is 0 for a new upload. Events come on
  /// `eventLoop`, where the sink lives, never from within a call to the sink.
  func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop,
    onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink

  /// How many of the next `bytes` of an upload there is room for, beyond what was promised to others; what is answered
  /// is promised to this one, until it has a sink that has taken them or let go, or ``takeBackPromise(_:)``. Fails with
  /// ``SinkFailure`` where that cannot be found out.
  func promise(_ bytes: Int64, to key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Int64>

  /// The upload was not offered after all.
  func takeBackPromise(_ key: UploadKey)

  /// Drops what is held of an unfinished upload that has no sink. What is not there is no failure.
  func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// Brings storage and ledger together after a crash; called once at start, before any sink, and may block.
  ///
  /// What is there and belongs to none of these uploads is removed.
  /// - Parameter unfinished: the ledger's open uploads of this forwarder's route.
  /// - Returns: what became of each upload that cannot simply go on at its recorded offset.
  /// - Throws: ``SinkFailure`` where the place itself cannot be used.
  func recover(_ unfinished: [UploadRecord]) throws -> [UploadKey: RecoveredUpload]

  /// Whether an upload can go on after the gateway was started anew. Where it cannot, safe offsets matter to nobody but
  /// the client that asked for acknowledgements.
  var outlivesGateway: Bool { get }

  /// The gateway goes away, and no sink is left: lets go of what the forwarder holds beyond its sinks.
  func stop() async
}

/// What recovery found of an upload that the ledger calls open.
public enum RecoveredUpload: Hashable, Sendable {
  /// It was complete when the gateway died, and only the ledger did not hear of it, or forgot it. `stored` is
  /// ``SinkResult/stored``.
  case complete(size: Int64, stored: Int64? = nil)
  /// Less is there than was recorded as safe: it cannot go on.
  case lost
  /// Its backend's stream ended with the gateway: it cannot go on, and its client shall hear why.
  case broken
}

/// What a sink has to know of its upload.
public struct SinkUpload: Sendable {
  /// Its key.
  public var key: UploadKey
  /// In bytes; `nil` where it is unknown.
  public var total: Int64?
  /// What the whole must have; then the sink computes it.
  public var digest: ContentDigest?
  /// The route's path.
  public var route: String
  /// What the client said the bytes are.
  public var format: DataFormat
  /// The client's own name for the file; a label, never a path.
  public var label: String?
  /// Who sends. Of an upload that another connection goes on with, the one that does.
  public var client: ClientIdentity
  /// When it was first offered.
  public var createdAt: WallTime
  /// The connection that the bytes come over.
  public var connection: ClientConnection

  /// All of it.
  public init(
    key: UploadKey, total: Int64?, digest: ContentDigest?, route: String = "/", format: DataFormat = .bytes,
    label: String? = nil, client: ClientIdentity = .anonymous(address: "unknown"),
    createdAt: WallTime = WallTime(milliseconds: 0), connection: ClientConnection = ClientConnection()
  ) {
    self.key = key
    self.total = total
    self.digest = digest
    self.route = route
    self.format = format
    self.label = label
    self.client = client
    self.createdAt = createdAt
    self.connection = connection
  }
}

extension Forwarder {
  /// There is room for everything.
  public func promise(
    _ bytes: Int64, to key: UploadKey, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Int64> {
    eventLoop.makeSucceededFuture(bytes)
  }

  /// Nothing was promised.
  public func takeBackPromise(_ key: UploadKey) {}

  /// It can.
  public var outlivesGateway: Bool { true }

  /// Nothing is held.
  public func stop() async {}
}
