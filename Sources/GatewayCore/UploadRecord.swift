/// An upload as the ledger has it.
public struct UploadRecord: Hashable, Sendable {
  /// Where in its life it is. What is dropped has no record.
  public enum State: String, Sendable {
    /// Bytes are still to come.
    case open
    /// It can never be completed: the backend's stream is gone.
    case failed
    /// Complete and safe.
    case done
  }

  /// What it is known by.
  public var key: UploadKey
  /// The route's path.
  public var route: String
  /// ``ClientIdentity/owner`` of the client that began it.
  public var owner: String
  /// ``ClientIdentity/subject`` of the client that began it; empty where an older release recorded it.
  public var subject: String
  /// `nil` for an unknown total; then `committed` is the size once it is done.
  public var total: Int64?
  /// Bytes from the stream's start that are safe.
  public var committed: Int64
  /// Bytes from the stream's start that quota is reserved for; nothing once it is done or failed.
  public var granted: Int64
  /// Where in its life it is.
  public var state: State
  /// Rises with each connection that takes the upload over.
  public var epoch: Int64
  /// What the client said the bytes are.
  public var format: String
  /// The client's own name for the file; a label, never a path.
  public var label: String?
  /// What the whole must have, or has.
  public var digest: ContentDigest?
  /// When it was offered.
  public var createdAt: WallTime
  /// When it is dropped if nobody goes on with it.
  public var expiresAt: WallTime
  /// When it was completed.
  public var finishedAt: WallTime?
  /// What its forwarder wants to know of it again, in its own words (``Forwarder/initialState(of:)``); `nil` where an older
  /// release recorded it.
  public var storeState: String?

  /// All of it.
  public init(
    key: UploadKey, route: String, owner: String, total: Int64?, committed: Int64, granted: Int64, state: State,
    epoch: Int64, format: String, label: String?, digest: ContentDigest?, createdAt: WallTime, expiresAt: WallTime,
    finishedAt: WallTime?, subject: String = "", storeState: String? = nil
  ) {
    self.key = key
    self.route = route
    self.owner = owner
    self.subject = subject
    self.total = total
    self.committed = committed
    self.granted = granted
    self.state = state
    self.epoch = epoch
    self.format = format
    self.label = label
    self.digest = digest
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.finishedAt = finishedAt
    self.storeState = storeState
  }
}

/// What one quota holds.
public struct QuotaRecord: Hashable, Sendable {
  /// The route's path.
  public var route: String
  /// Empty for the route itself.
  public var subject: String
  /// Start of the window in milliseconds since 1970; 0 is for ever.
  public var window: Int64
  /// Bytes that unfinished uploads may still fill or have filled.
  public var reserved: Int64
  /// Bytes of complete uploads.
  public var used: Int64
  /// In bytes, as at the last reservation; `reserved + used` never exceeds it.
  public var cap: Int64

  /// All of it.
  public init(route: String, subject: String, window: Int64, reserved: Int64, used: Int64, cap: Int64) {
    self.route = route
    self.subject = subject
    self.window = window
    self.reserved = reserved
    self.used = used
    self.cap = cap
  }
}
