/// What a new upload asks of the ledger at its offer.
package struct Reservation: Codable, Sendable {
  /// What is known of the upload; its key is one that the ledger has not seen, and it is offered at
  /// ``UploadFacts/createdAt``.
  package var facts: UploadFacts
  /// Bytes to reserve if the quotas leave them: the total, or the most a stream of unknown length may have.
  package var wanted: Int64
  /// Whether less than `wanted` will do.
  package var takesPart: Bool
  /// The quotas that this upload counts against; each is made at its first use, and follows a changed cap.
  package var quotas: [QuotaCap]
  /// The most unfinished uploads of this route at once, attached or not.
  package var unfinishedLimit: Int
  /// The same for those of this subject on the route.
  package var clientUnfinishedLimit: Int
  /// Who holds the lease: this gateway's own name for itself.
  package var holder: String
  /// When the upload is dropped if nobody goes on with it.
  package var expiresAt: WallTime
  /// ``UploadRecord/storeState``.
  package var storeState: String?
  /// Recorded with it.
  package var events: [Event]

  /// All of it.
  package init(
    facts: UploadFacts, wanted: Int64, takesPart: Bool, quotas: [QuotaCap], unfinishedLimit: Int,
    clientUnfinishedLimit: Int = .max, holder: String, expiresAt: WallTime, storeState: String? = nil,
    events: [Event] = []
  ) {
    self.facts = facts
    self.wanted = wanted
    self.takesPart = takesPart
    self.quotas = quotas
    self.unfinishedLimit = unfinishedLimit
    self.clientUnfinishedLimit = clientUnfinishedLimit
    self.holder = holder
    self.expiresAt = expiresAt
    self.storeState = storeState
    self.events = events
  }
}
