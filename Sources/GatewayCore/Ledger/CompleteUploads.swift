/// Which complete uploads of a route are asked for, oldest first.
package struct CompleteUploads: Sendable {
  /// One of them, to go on behind.
  package struct Mark: Hashable, Sendable {
    /// When it was completed.
    package var finishedAt: WallTime
    /// Which.
    package var key: UploadKey

    /// `nil` where the upload is not complete.
    package init?(_ record: UploadRecord) {
      guard let finishedAt = record.finishedAt else { return nil }
      self.finishedAt = finishedAt
      key = record.key
    }
  }

  /// The route's path.
  package var route: String
  /// Those whose files are so.
  package var file: UploadRecord.FileState
  /// Those that were completed before this moment.
  package var before: WallTime
  /// Those behind this one; `nil` from the oldest on.
  package var after: Mark?
  /// At most so many; at least 1.
  package var limit: Int

  /// All of it.
  package init(
    route: String, file: UploadRecord.FileState, before: WallTime = WallTime(milliseconds: .max), after: Mark? = nil,
    limit: Int
  ) {
    self.route = route
    self.file = file
    self.before = before
    self.after = after
    self.limit = limit
  }
}
