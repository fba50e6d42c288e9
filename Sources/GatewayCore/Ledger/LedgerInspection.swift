/// A ledger as commands see it from outside, also while gateways use it. Every call blocks, and sees what was committed
/// when it began. For one thread at a time.
package protocol LedgerInspection {
  /// Each of these uploads, ordered by route and age, as long as `body` wants more: there may be millions.
  ///
  /// - Parameter body: whether to go on.
  /// - Throws: ``LedgerError/engine(_:)``.
  func forEach(
    of list: UploadList, _ body: (UploadRecord) throws(LedgerError) -> Bool
  ) throws(LedgerError)

  /// Whether there is any upload of a route, in whatever state.
  ///
  /// - Throws: ``LedgerError/engine(_:)``.
  func hasUploads(of route: String) throws(LedgerError) -> Bool

  /// What is used and reserved of each quota, ordered by route and subject.
  ///
  /// - Throws: ``LedgerError/engine(_:)``.
  func quotas() throws(LedgerError) -> [QuotaRecord]

  /// What a route's clients use and have reserved together, for ever; `nil` where there is nothing of it.
  ///
  /// - Throws: ``LedgerError/engine(_:)``.
  func quota(of route: String) throws(LedgerError) -> QuotaRecord?

  /// The events that wait for their targets, in the order in which they happened.
  ///
  /// - Throws: ``LedgerError/engine(_:)``.
  func events(_ selection: EventSelection) throws(LedgerError) -> [EventRecord]

  /// What does not agree with everything else in the ledger; nothing where it is sound.
  ///
  /// - Throws: ``LedgerError/engine(_:)``.
  func violations() throws(LedgerError) -> [LedgerViolation]

  /// What the ledger is called in the marks of its stores.
  ///
  /// - Throws: ``LedgerError/engine(_:)``.
  func ledgerID() throws(LedgerError) -> String

  /// The places that the ledger knows, ordered by route.
  ///
  /// - Throws: ``LedgerError/engine(_:)``.
  func stores() throws(LedgerError) -> [KnownStore]
}

extension LedgerInspection {
  /// The uploads, ordered by route and age.
  ///
  /// - Parameters:
  ///   - state: those in this state alone; `nil` for all.
  ///   - route: those of this route alone, by its path; `nil` for all.
  /// - Throws: ``LedgerError/engine(_:)``.
  package func uploads(
    state: UploadRecord.State? = nil, route: String? = nil
  ) throws(LedgerError) -> [UploadRecord] {
    var records: [UploadRecord] = []
    try forEach(of: UploadList(state: state, route: route)) { (record) throws(LedgerError) in
      records.append(record)
      return true
    }
    return records
  }
}

/// What commands change in a ledger, also while gateways use it. It changes nothing of open uploads, which a gateway may
/// hold. Every call blocks. For one thread at a time.
package protocol LedgerCorrection {
  /// Forgets complete uploads, as ``Ledger/forget(_:on:)`` does. What is not complete is passed over.
  ///
  /// - Returns: those that were forgotten.
  /// - Throws: ``LedgerError/engine(_:)``; what was forgotten before that stays so.
  func forget(_ keys: [UploadKey]) throws(LedgerError) -> [UploadKey]

  /// Makes dead letters due at once, as if nobody had tried to deliver them.
  ///
  /// - Returns: how many.
  /// - Throws: ``LedgerError/engine(_:)``.
  func sendAgain(_ selection: EventSelection) throws(LedgerError) -> Int

  /// Forgets events, which nobody hears of any more.
  ///
  /// - Returns: how many.
  /// - Throws: ``LedgerError/engine(_:)``.
  func forgetEvents(_ selection: EventSelection) throws(LedgerError) -> Int

  /// Makes the ledger know the place of a route's uploads, instead of the one that it knew before.
  ///
  /// - Throws: ``LedgerError/engine(_:)``.
  func note(_ store: KnownStore) throws(LedgerError)
}

/// Something in a ledger that does not agree with the rest.
package struct LedgerViolation: Hashable, Sendable, CustomStringConvertible {
  /// Which rule, for a program: a word of small letters and hyphens.
  package let rule: String
  /// Of what, and how it is.
  package let description: String

  /// Both.
  package init(rule: String, description: String) {
    self.rule = rule
    self.description = description
  }
}
