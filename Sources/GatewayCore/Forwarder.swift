public import NIOCore

/// Where a route's bytes go: a directory, or a backend. Opens a ``Sink`` for one upload.
public protocol Forwarder: Sendable {
  /// What is to be known of a new upload whenever somebody goes on with it, whatever is configured by then. The ledger
  /// records it with the offer and gives it back as ``SinkUpload/state`` and ``UploadRecord/storeState``. `nil` for nothing.
  func initialState(of upload: SinkUpload) -> String?

  /// A sink for the upload's bytes from `offset` on; it says ``SinkEvent/opened`` when it is ready for them, or
  /// ``SinkEvent/found(size:_:)`` where an earlier sink had brought the upload to its end.
  ///
  /// Bytes beyond `offset` that an earlier connection left are cut; where fewer are there, the sink says
  /// ``SinkEvent/failed`` and never fills the gap. `offset` is 0 for a new upload. Events come on
  /// `eventLoop`, where the sink lives, never from within a call to the sink.
  func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop,
    onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink

  /// How many bytes more of an upload there is room for, beyond what was promised to others: what it may be offered, at
  /// once and for good. That is promised to this upload until its sink has taken the bytes or let go of it, or
  /// ``limitPromise(to:of:)``. Nothing is promised where it is 0. Fails with ``SinkFailure`` where it cannot be found
  /// out, and with ``Refusal`` where the upload has to wait.
  func promise(_ wish: RoomWish, on eventLoop: any EventLoop) -> EventLoopFuture<Int64>

  /// The upload was offered no more than `bytes` of what was promised: 0 where it has no sink and gets none.
  func limitPromise(to bytes: Int64, of key: UploadKey)

  /// Drops what is held of an unfinished upload that has no sink. What is not there is no failure.
  func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// Brings storage and ledger together after a crash; called once at start, before any sink, and may block.
  ///
  /// What is there and belongs to no open upload is removed.
  /// - Parameters:
  ///   - unfinished: the ledger's open uploads of this forwarder's route.
  ///   - others: its open uploads of other routes, of which a place may have the bytes whose route is called otherwise now.
  /// - Throws: ``SinkFailure`` where the place itself cannot be used.
  func recover(_ unfinished: [UploadRecord], besides others: Set<UploadKey>) throws -> RecoveredPlace

  /// Whether an upload can go on after the gateway was started anew. Where it cannot, safe offsets matter to nobody but
  /// the client that asked for acknowledgements.
  var outlivesGateway: Bool { get }

  /// The gateway goes away, and no sink is left: lets go of what the forwarder holds beyond its sinks.
  func stop() async
}

/// What recovery found and did in a forwarder's place.
public struct RecoveredPlace: Hashable, Sendable {
  /// What became of each upload that cannot simply go on at its recorded offset.
  public var uploads: [UploadKey: RecoveredUpload]
  /// What was removed.
  public var removed: [RemovedFile]

  /// All of it.
  public init(uploads: [UploadKey: RecoveredUpload] = [:], removed: [RemovedFile] = []) {
    self.uploads = uploads
    self.removed = removed
  }
}

/// A file that recovery removed.
public struct RemovedFile: Hashable, Sendable {
  /// As much of its name as a log may have.
  public var name: String
  /// In bytes.
  public var size: Int64
  /// Why.
  public var reason: String

  /// All of it.
  public init(name: String, size: Int64, reason: String) {
    self.name = name
    self.size = size
    self.reason = reason
  }
}

/// What recovery found of an upload that the ledger calls open.
public enum RecoveredUpload: Hashable, Sendable {
  /// It was complete when the gateway died, and only the ledger did not hear of it, or forgot it. `stored` is
  /// ``SinkResult/stored``.
  case complete(size: Int64, stored: Int64? = nil)
  /// Less is there than was recorded as safe, or something else: it cannot go on as it is, in words for the operator.
  /// Record and bytes are kept until it expires: what is missing may come back.
  case damaged(String)
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
  /// ``UploadRecord/storeState``.
  public var state: String?
  /// Whether another connection had it before.
  public var isResumed: Bool

  /// All of it.
  public init(
    key: UploadKey, total: Int64?, digest: ContentDigest?, route: String = "/", format: DataFormat = .bytes,
    label: String? = nil, client: ClientIdentity = .anonymous(address: "unknown"),
    createdAt: WallTime = WallTime(milliseconds: 0), connection: ClientConnection = ClientConnection(),
    state: String? = nil, isResumed: Bool = false
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
    self.state = state
    self.isResumed = isResumed
  }
}

extension Forwarder {
  /// Nothing.
  public func initialState(of upload: SinkUpload) -> String? { nil }

  /// There is room for everything.
  public func promise(_ wish: RoomWish, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    eventLoop.makeSucceededFuture(wish.bytes)
  }

  /// Nothing was promised.
  public func limitPromise(to bytes: Int64, of key: UploadKey) {}

  /// It can.
  public var outlivesGateway: Bool { true }

  /// Nothing is held.
  public func stop() async {}
}
