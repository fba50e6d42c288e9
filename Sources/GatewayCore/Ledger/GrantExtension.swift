/// What the ledger is asked where a stream of unknown length needs more than it was granted.
package struct GrantExtension: Codable, Sendable {
  /// Which upload.
  package var key: UploadKey
  /// The lease under which it is written.
  package var epoch: Int64
  /// As at the offer: what is granted on top counts against these.
  package var quotas: [QuotaCap]
  /// Where the grant shall end, in bytes from the stream's start.
  package var end: Int64

  /// All of it.
  package init(key: UploadKey, epoch: Int64, quotas: [QuotaCap], end: Int64) {
    self.key = key
    self.epoch = epoch
    self.quotas = quotas
    self.end = end
  }
}
