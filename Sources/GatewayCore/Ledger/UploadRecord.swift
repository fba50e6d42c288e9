/// An upload as the ledger has it.
package struct UploadRecord: Hashable, Codable, Sendable {
  /// Where in its life it is. What is dropped has no record.
  package enum State: String, Codable, Sendable {
    /// Bytes are still to come.
    case open
    /// It can never be completed: the backend's stream is gone, or it was complete and is being removed.
    case failed
    /// Complete and safe.
    case done
  }

  /// What has become of a complete upload's file.
  package enum FileState: String, Codable, Sendable {
    /// It is in its place as far as anybody knows; or the upload has none.
    case there = ""
    /// The gateway removes it.
    case leaving
    /// It is not in its place any more: its consumer took it away, or the gateway removed it. It counts in no quota
    /// without a window.
    case gone
  }

  /// What is known of it.
  package var facts: UploadFacts
  /// Bytes from the stream's start that are safe; the size once it is done.
  package var committed: Int64
  /// Bytes from the stream's start that quota is reserved for; nothing once it is done or failed.
  package var granted: Int64
  /// Where in its life it is.
  package var state: State
  /// Rises with each connection that takes the upload over.
  package var epoch: Int64
  /// When it is dropped if nobody goes on with it.
  package var expiresAt: WallTime
  /// When it was completed.
  package var finishedAt: WallTime?
  /// What its forwarder wants to know of it again, in its own words (``Forwarder/initialState(of:)``,
  /// ``SinkEvent/safe(upTo:state:)``); `nil` where an older release recorded it.
  package var storeState: String?
  /// Means something of a complete upload alone.
  package var file: FileState

  /// All of it.
  package init(
    facts: UploadFacts, committed: Int64, granted: Int64, state: State, epoch: Int64, expiresAt: WallTime,
    finishedAt: WallTime? = nil, storeState: String? = nil, file: FileState = .there
  ) {
    self.facts = facts
    self.committed = committed
    self.granted = granted
    self.state = state
    self.epoch = epoch
    self.expiresAt = expiresAt
    self.finishedAt = finishedAt
    self.storeState = storeState
    self.file = file
  }

  /// What it is known by.
  package var key: UploadKey { facts.key }
}
