public import NIOCore

/// Where a route's bytes go: a directory, later a backend or an object store. Opens a ``Sink`` for one upload.
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

  /// Drops what is held of an unfinished upload that has no sink. What is not there is no failure.
  func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// Brings storage and ledger together after a crash; called once at start, before any sink, and may block.
  ///
  /// What is there and belongs to none of these uploads is removed.
  /// - Parameter unfinished: the ledger's open uploads of this forwarder's route.
  /// - Returns: what became of each upload that cannot simply go on at its recorded offset.
  /// - Throws: ``SinkFailure`` where the place itself cannot be used.
  func recover(_ unfinished: [UploadRecord]) throws -> [UploadKey: RecoveredUpload]
}

/// What recovery found of an upload that the ledger calls open.
public enum RecoveredUpload: Hashable, Sendable {
  /// It was complete when the gateway died, and only the ledger did not hear of it.
  case complete(size: Int64)
  /// Less is there than was recorded as safe: it cannot go on.
  case lost
}

/// What a sink has to know of its upload.
public struct SinkUpload: Sendable {
  /// Its key.
  public var key: UploadKey
  /// In bytes; `nil` where it is unknown.
  public var total: Int64?
  /// What the whole must have; then the sink computes it.
  public var digest: ContentDigest?

  /// All of it.
  public init(key: UploadKey, total: Int64?, digest: ContentDigest?) {
    self.key = key
    self.total = total
    self.digest = digest
  }
}
