/// What an upload tells its front, on the event loop they share.
package enum UploadEvent: Sendable {
  /// The upload is this connection's, and bytes may come.
  case offered(UploadOffer)
  /// It is not taken. The last event.
  case refused(Refusal)
  /// It is complete since earlier. The last event.
  case alreadyComplete(UploadAccount)
  /// The window is full: stop reading from the client until ``resumed``, or until the last event, which ends a pause too.
  case paused
  /// Read again.
  case resumed
  /// The bytes before `offset` survive a power cut and are recorded.
  case safe(upTo: Int64)
  /// Everything is safe, in its place and recorded. The last event.
  case complete(size: Int64, SinkResult)
  /// After ``Upload/leave(for:)``: the bytes before the offset are safe, and a later connection may go on. The last event.
  ///
  /// The offset may be below what was granted although all of that arrived: a place may make only whole parts safe
  /// (``ForwarderTraits/granularity``).
  case suspended(at: Int64)
  /// It ended after its offer without being complete; `safe` is what is safe of it, or what the backend took. The last
  /// event.
  case failed(UploadFailure, safe: Int64)
  /// A newer connection takes it over: stop reading. What arrived is being made safe; ``suspended(at:)`` follows.
  case superseded
  /// The client has lost its right to upload: stop reading. What arrived is being made safe; ``suspended(at:)`` follows.
  case unauthorized
}

/// What is offered to a client: how much of its upload is taken, and from where.
package struct UploadOffer: Hashable, Sendable {
  /// The upload's key.
  package var key: UploadKey
  /// Bytes from the stream's start that are safe already.
  package var offset: Int64
  /// Bytes from the stream's start that are taken on this offer; at least `offset`. Of a stream of unknown length the most
  /// that may be: it ends with ``UploadFailure/outgrown(_:)`` where there turns out to be less.
  package var granted: Int64
  /// In bytes; `nil` where it is unknown.
  package var total: Int64?
  /// The portion size in bytes.
  package var buffer: Int64
  /// What the bytes are taken as.
  package var format: DataFormat
}

/// How an upload stands.
package struct UploadAccount: Hashable, Sendable {
  /// The upload's key.
  package var key: UploadKey
  /// Bytes from the stream's start that are safe.
  package var safe: Int64
  /// In bytes; `nil` where it is unknown.
  package var total: Int64?
  /// Where in its life it is.
  package var state: UploadRecord.State
  /// What the whole has, or must have.
  package var digest: ContentDigest?
  /// What is known of it; `nil` only of an upload that completed under its own connection's eyes.
  package var facts: UploadFacts?
  /// When it is dropped if nobody goes on with it; `nil` once it is complete.
  package var expiresAt: WallTime?

  init(key: UploadKey, safe: Int64, total: Int64?, state: UploadRecord.State, digest: ContentDigest?) {
    self.key = key
    self.safe = safe
    self.total = total
    self.state = state
    self.digest = digest
  }

  init(_ record: UploadRecord) {
    self.key = record.key
    self.safe = record.committed
    self.total = record.facts.total
    self.state = record.state
    self.digest = record.facts.digest
    self.facts = record.facts
    self.expiresAt = record.state == .done ? nil : record.expiresAt
  }
}
