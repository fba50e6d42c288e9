/// Why an upload is not taken. Closed: a front maps each case to its protocol's own word in one table.
public enum Refusal: Error, Hashable, Sendable {
  /// No route has that path.
  case noRoute
  /// The route wants credentials, and there are none or wrong ones.
  case unauthorized
  /// The route takes no uploads of that shape.
  case shape(UploadRequest.Shape)
  /// The route takes only these.
  case format(accepted: [DataFormat])
  /// The total is above what one upload may have, in bytes.
  case tooLarge(limit: Int64)
  /// No such unfinished upload of this client.
  case unknownUpload
  /// The digest is not the one that the upload began with.
  case otherDigest
  /// Too many uploads at once; worth another try after so many seconds.
  case busy(retryAfter: Int)
  /// The quotas leave nothing, or less than all where all is wanted.
  case quota
  /// A newer connection of the same client wants the upload.
  case superseded
  /// The store or the ledger failed.
  case storage(String)
  /// The gateway is going away.
  case shutdown
}

/// Why an upload that was under way ended without being complete.
public enum UploadFailure: Error, Hashable, Sendable {
  /// The store is full. What was safe stays so.
  case full
  /// The store or the ledger failed. What was safe stays so.
  case storage(String)
  /// The digest of what arrived is another than announced. Nothing was kept.
  case digest(computed: ContentDigest)
}
