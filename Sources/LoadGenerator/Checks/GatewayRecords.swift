/// What a gateway's ledger has at a moment: the part of it that a run is held against.
public struct GatewayRecords: Sendable {
  /// One upload.
  public struct Upload: Hashable, Sendable {
    /// Whether it is complete.
    public var isDone: Bool
    /// Whether bytes are still to come.
    public var isOpen: Bool
    /// Bytes that are safe.
    public var safe: Int64

    /// One upload.
    public init(isDone: Bool, isOpen: Bool, safe: Int64) {
      self.isDone = isDone
      self.isOpen = isOpen
      self.safe = safe
    }
  }

  /// Which quota.
  public struct QuotaName: Hashable, Sendable {
    /// The route's path.
    public var route: String
    /// Whom it is for; empty for the route itself.
    public var subject: String
    /// Start of its window, in milliseconds since 1970.
    public var window: Int64?

    /// A name.
    public init(route: String, subject: String, window: Int64?) {
      self.route = route
      self.subject = subject
      self.window = window
    }
  }

  /// What a quota holds, in bytes.
  public struct Quota: Hashable, Sendable {
    /// Of complete uploads.
    public var used: Int64
    /// Of unfinished ones.
    public var reserved: Int64

    /// What a quota holds.
    public init(used: Int64, reserved: Int64) {
      self.used = used
      self.reserved = reserved
    }
  }

  /// By their keys.
  public var uploads: [String: Upload]
  /// By their names.
  public var quotas: [QuotaName: Quota]

  /// Records.
  public init(uploads: [String: Upload], quotas: [QuotaName: Quota]) {
    self.uploads = uploads
    self.quotas = quotas
  }
}
