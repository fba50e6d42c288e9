/// What the ledger is told of an upload of which everything has arrived and is safe.
package struct Completion: Hashable, Codable, Sendable {
  /// Which.
  package var key: UploadKey
  /// The lease under which it was completed.
  package var epoch: Int64
  /// In bytes. Lies between the safe offset and what is granted, and is the total where one was announced.
  package var size: Int64
  /// What counts in quotas without a window, in bytes; held within 0 and ``size``. In those with one ``size`` counts.
  package var charged: Int64
  /// What the whole has, where it is known.
  package var digest: ContentDigest?
  /// Now.
  package var at: WallTime
  /// ``SinkResult/isProvableFromDisk``, and no quota would miss it for the time that the evidence might be gone.
  package var isProvableFromDisk: Bool
  /// Recorded with it.
  package var events: [Event]

  /// All of it.
  package init(
    key: UploadKey, epoch: Int64, size: Int64, charged: Int64, digest: ContentDigest?, at: WallTime,
    isProvableFromDisk: Bool = false, events: [Event] = []
  ) {
    self.key = key
    self.epoch = epoch
    self.size = size
    self.charged = charged
    self.digest = digest
    self.at = at
    self.isProvableFromDisk = isProvableFromDisk
    self.events = events
  }
}
