/// What an upload asks of its forwarder's space before it is offered anything, or before it is given more.
package struct SpaceRequest: Sendable {
  /// Which.
  package var key: UploadKey
  /// How many bytes more it would bring; at least 1.
  package var bytes: Int64
  /// Whether fewer will do.
  package var takesPart: Bool
  /// ``ClientIdentity/subject`` of who would bring them.
  package var subject: String
  /// ``ClientLimits/room``, in percent.
  package var share: Int
  /// Whether this comes on top of what is reserved for the upload, rather than in its place.
  package var isGrowth: Bool

  /// All of it.
  package init(
    key: UploadKey, bytes: Int64, takesPart: Bool, subject: String, share: Int = 100, isGrowth: Bool = false
  ) {
    self.key = key
    self.bytes = bytes
    self.takesPart = takesPart
    self.subject = subject
    self.share = share
    self.isGrowth = isGrowth
  }
}

/// Why no space is reserved.
package enum SpaceShortage: Error, Hashable, Sendable {
  /// There is none.
  case full
  /// There is some, and less than the whole needs.
  case tooLittle
  /// There is enough, and it is promised to other uploads that are under way: most of them leave some of it.
  case promised
  /// The client's own unfinished uploads hold its share of it.
  case share

  /// Seconds after which another try makes sense where the room is promised to others.
  package static let retryAfter = 5
}
