/// A safe offset that the ledger is told.
package struct Advance: Hashable, Codable, Sendable {
  /// Which upload.
  package var key: UploadKey
  /// The lease under which it is written.
  package var epoch: Int64
  /// The offset before, in bytes from the stream's start.
  package var from: Int64
  /// The offset from now on; at most what is granted. The same as `from` where only the expiry moves.
  package var to: Int64
  /// The new expiry.
  package var expiresAt: WallTime
  /// ``UploadRecord/storeState`` from now on; `nil` leaves it as it is.
  package var storeState: String?
  /// Whether the connection lets go of the upload: from then on nobody has a lease on it.
  package var endsLease: Bool

  /// All of it.
  package init(
    key: UploadKey, epoch: Int64, from: Int64, to: Int64, expiresAt: WallTime, storeState: String? = nil,
    endsLease: Bool = false
  ) {
    self.key = key
    self.epoch = epoch
    self.from = from
    self.to = to
    self.expiresAt = expiresAt
    self.storeState = storeState
    self.endsLease = endsLease
  }
}

/// An upload whose expiry is moved because a connection has it.
package struct LeaseRenewal: Hashable, Codable, Sendable {
  /// Which upload.
  package var key: UploadKey
  /// The lease under which it is written.
  package var epoch: Int64
  /// The new expiry.
  package var expiresAt: WallTime

  /// All of it.
  package init(key: UploadKey, epoch: Int64, expiresAt: WallTime) {
    self.key = key
    self.epoch = epoch
    self.expiresAt = expiresAt
  }
}
