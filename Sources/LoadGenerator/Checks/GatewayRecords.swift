/// What a gateway's ledger has at a moment: the part of it that a run is held against.
package struct GatewayRecords: Sendable {
  /// One upload.
  package struct Upload: Hashable, Sendable {
    /// Whether it is complete.
    package var isDone: Bool
    /// Whether bytes are still to come.
    package var isOpen: Bool
    /// Bytes that are safe.
    package var safe: Int64

    /// One upload.
    package init(isDone: Bool, isOpen: Bool, safe: Int64) {
      self.isDone = isDone
      self.isOpen = isOpen
      self.safe = safe
    }
  }

  /// Which quota.
  package struct QuotaName: Hashable, Sendable {
    /// The route's path.
    package var route: String
    /// Whom it is for; empty for the route itself.
    package var subject: String
    /// Start of its window, in milliseconds since 1970.
    package var window: Int64?

    /// A name.
    package init(route: String, subject: String, window: Int64?) {
      self.route = route
      self.subject = subject
      self.window = window
    }
  }

  /// What a quota holds, in bytes.
  package struct Quota: Hashable, Sendable {
    /// Of complete uploads.
    package var used: Int64
    /// Of unfinished ones.
    package var reserved: Int64

    /// What a quota holds.
    package init(used: Int64, reserved: Int64) {
      self.used = used
      self.reserved = reserved
    }
  }

  /// By their keys.
  package var uploads: [String: Upload]
  /// By their names.
  package var quotas: [QuotaName: Quota]

  /// Records.
  package init(uploads: [String: Upload], quotas: [QuotaName: Quota]) {
    self.uploads = uploads
    self.quotas = quotas
  }
}
