/// What recovery found and did in a forwarder's place.
package struct RecoveredPlace: Hashable, Sendable {
  /// What became of each upload that cannot simply go on at its recorded offset.
  package var uploads: [UploadKey: RecoveredUpload]
  /// What was removed.
  package var removed: [RemovedFile]

  /// All of it.
  package init(uploads: [UploadKey: RecoveredUpload] = [:], removed: [RemovedFile] = []) {
    self.uploads = uploads
    self.removed = removed
  }
}

/// A file that recovery removed.
package struct RemovedFile: Hashable, Sendable {
  /// As much of its name as a log may have.
  package var name: String
  /// In bytes.
  package var size: Int64
  /// Why.
  package var reason: String

  /// All of it.
  package init(name: String, size: Int64, reason: String) {
    self.name = name
    self.size = size
    self.reason = reason
  }
}

/// What recovery found of an upload that the ledger calls open.
package enum RecoveredUpload: Hashable, Sendable {
  /// It was complete when the gateway died, and only the ledger did not hear of it, or forgot it. `stored` is
  /// ``SinkResult/stored``.
  case complete(size: Int64, stored: Int64? = nil)
  /// Less is there than was recorded as safe, or something else: it cannot go on as it is, in words for the operator.
  /// Record and bytes are kept until it expires: what is missing may come back.
  case damaged(String)
  /// Its backend's stream ended with the gateway: it cannot go on, and its client shall hear why.
  case broken
}
