/// What an upload asks of the ledger at its offer.
public struct Reservation: Sendable {
  /// A key that the ledger has not seen.
  public var key: UploadKey
  /// The route's path.
  public var route: String
  /// ``ClientIdentity/owner``.
  public var owner: String
  /// ``ClientIdentity/subject``.
  public var subject: String
  /// What the client announced, in bytes; `nil` for an unknown total.
  public var total: Int64?
  /// Bytes to reserve if the quotas leave them: the total, or the most a stream of unknown length may have.
  public var wanted: Int64
  /// Whether less than `wanted` will do.
  public var takesPart: Bool
  /// The quotas that this upload counts against; each is made at its first use, and follows a changed cap.
  public var quotas: [QuotaCap]
  /// The most unfinished uploads of this route at once, attached or not.
  public var unfinishedLimit: Int
  /// The same for those of this subject on the route.
  public var clientUnfinishedLimit: Int
  /// What the client said the bytes are.
  public var format: String
  /// The client's own name for the file; a label, never a path.
  public var label: String?
  /// The digest that the whole must have.
  public var digest: ContentDigest?
  /// Who holds the lease: this gateway's own name for itself.
  public var holder: String
  /// Now.
  public var at: WallTime
  /// When the upload is dropped if nobody goes on with it.
  public var expiresAt: WallTime
  /// ``UploadRecord/storeState``.
  public var storeState: String?

  /// All of it.
  public init(
    key: UploadKey, route: String, owner: String, subject: String = "", total: Int64?, wanted: Int64, takesPart: Bool,
    quotas: [QuotaCap], unfinishedLimit: Int, clientUnfinishedLimit: Int = .max, format: String, label: String?,
    digest: ContentDigest?, holder: String, at: WallTime, expiresAt: WallTime, storeState: String? = nil
  ) {
    self.key = key
    self.route = route
    self.owner = owner
    self.subject = subject
    self.total = total
    self.wanted = wanted
    self.takesPart = takesPart
    self.quotas = quotas
    self.unfinishedLimit = unfinishedLimit
    self.clientUnfinishedLimit = clientUnfinishedLimit
    self.format = format
    self.label = label
    self.digest = digest
    self.holder = holder
    self.at = at
    self.expiresAt = expiresAt
    self.storeState = storeState
  }
}

/// One quota and its cap.
public struct QuotaCap: Hashable, Sendable {
  /// Empty for the route itself, else ``ClientIdentity/subject``.
  public var subject: String
  /// Start of the window in milliseconds since 1970; 0 is for ever.
  public var window: Int64
  /// In bytes.
  public var cap: Int64
  /// Length of the window in milliseconds; 0 where there is none.
  public var length: Int64

  /// A quota of `cap` bytes.
  public init(subject: String, window: Int64, cap: Int64, length: Int64 = 0) {
    self.subject = subject
    self.window = window
    self.cap = cap
    self.length = length
  }
}

/// What is asked when a connection goes on with an upload.
public struct Claim: Sendable {
  /// Which.
  public var key: UploadKey
  /// The new holder.
  public var holder: String
  /// As at the offer: what is still to be granted counts against these.
  public var quotas: [QuotaCap]
  /// For an unknown total, the most that the stream may have in all; else its total. In bytes.
  public var wanted: Int64
  /// A digest that the client gives only now; one that is recorded already stays.
  public var digest: ContentDigest?
  /// The new expiry.
  public var expiresAt: WallTime

  /// All of it.
  public init(
    key: UploadKey, holder: String, quotas: [QuotaCap], wanted: Int64, digest: ContentDigest?, expiresAt: WallTime
  ) {
    self.key = key
    self.holder = holder
    self.quotas = quotas
    self.wanted = wanted
    self.digest = digest
    self.expiresAt = expiresAt
  }
}

/// An upload that is held: what the holder may do with it.
public struct Holding: Hashable, Sendable {
  /// Names this hold in every later call.
  public var epoch: Int64
  /// Bytes from the stream's start that are safe.
  public var committed: Int64
  /// Bytes from the stream's start that quota is reserved for; at least `committed`.
  public var granted: Int64
  /// What the whole must have.
  public var digest: ContentDigest?
  /// The client's own name for the file.
  public var label: String?
  /// When it was first offered.
  public var createdAt: WallTime
  /// Where a claim was granted nothing more although it wanted it, and only for windows: those that were full.
  public var shortWindows: [QuotaCap]
  /// ``UploadRecord/storeState``.
  public var storeState: String?

  /// All of it.
  public init(
    epoch: Int64, committed: Int64, granted: Int64, digest: ContentDigest?, label: String?, createdAt: WallTime,
    shortWindows: [QuotaCap] = [], storeState: String? = nil
  ) {
    self.epoch = epoch
    self.committed = committed
    self.granted = granted
    self.digest = digest
    self.label = label
    self.createdAt = createdAt
    self.shortWindows = shortWindows
    self.storeState = storeState
  }
}
