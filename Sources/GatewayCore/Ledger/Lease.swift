/// The right to write an upload, which one connection has at a time. A later lease has a higher epoch, and fences this one.
package struct Lease: Hashable, Codable, Sendable {
  /// What is known of the upload.
  package var facts: UploadFacts
  /// Names this lease in every later call.
  package var epoch: Int64
  /// Bytes from the stream's start that are safe.
  package var committed: Int64
  /// Bytes from the stream's start that quota is reserved for; at least `committed`.
  package var granted: Int64
  /// Where nothing more was granted although it was wanted, and only for windows: those that were full.
  package var shortWindows: [QuotaCap]
  /// ``UploadRecord/storeState``.
  package var storeState: String?

  /// All of it.
  package init(
    facts: UploadFacts, epoch: Int64, committed: Int64, granted: Int64, shortWindows: [QuotaCap] = [],
    storeState: String? = nil
  ) {
    self.facts = facts
    self.epoch = epoch
    self.committed = committed
    self.granted = granted
    self.shortWindows = shortWindows
    self.storeState = storeState
  }
}

/// What is asked when a connection goes on with an upload.
package struct LeaseRequest: Sendable {
  /// Which.
  package var key: UploadKey
  /// The new holder.
  package var holder: String
  /// As at the offer: what is still to be granted counts against these.
  package var quotas: [QuotaCap]
  /// For an unknown total, the most that the stream may have in all; else its total. In bytes.
  package var wanted: Int64
  /// A total that the client gives only now, in bytes; one that is recorded already stays. What was granted beyond it is
  /// given back.
  package var lateTotal: Int64?
  /// A digest that the client gives only now; one that is recorded already stays.
  package var digest: ContentDigest?
  /// The new expiry.
  package var expiresAt: WallTime

  /// All of it.
  package init(
    key: UploadKey, holder: String, quotas: [QuotaCap], wanted: Int64, lateTotal: Int64? = nil,
    digest: ContentDigest? = nil, expiresAt: WallTime
  ) {
    self.key = key
    self.holder = holder
    self.quotas = quotas
    self.wanted = wanted
    self.lateTotal = lateTotal
    self.digest = digest
    self.expiresAt = expiresAt
  }
}
