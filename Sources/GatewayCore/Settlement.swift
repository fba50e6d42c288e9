/// What the ledger is told of an upload of which everything has arrived and is safe.
public struct Settlement: Hashable, Sendable {
  /// Which.
  public var key: UploadKey
  /// The hold under which it was completed.
  public var epoch: Int64
  /// In bytes. Lies between the safe offset and what is granted, and is the total where one was announced.
  public var size: Int64
  /// What counts in quotas without a window, in bytes; held within 0 and ``size``. In those with one ``size`` counts.
  public var charged: Int64
  /// What the whole has, where it is known.
  public var digest: ContentDigest?
  /// Now.
  public var at: WallTime
  /// ``SinkResult/isEvident``, and no quota would miss it for the time that the evidence might be gone.
  public var isEvident: Bool

  /// All of it.
  public init(
    key: UploadKey, epoch: Int64, size: Int64, charged: Int64, digest: ContentDigest?, at: WallTime,
    isEvident: Bool = false
  ) {
    self.key = key
    self.epoch = epoch
    self.size = size
    self.charged = charged
    self.digest = digest
    self.at = at
    self.isEvident = isEvident
  }
}
