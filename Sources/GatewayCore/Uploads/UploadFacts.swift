/// What is known of one upload from its offer on. It stands here once, and travels inside whatever needs it.
package struct UploadFacts: Hashable, Codable, Sendable {
  /// What the upload is known by.
  package var key: UploadKey
  /// The route's path.
  package var route: String
  /// ``ClientIdentity/owner`` of the client that began it.
  package var owner: String
  /// ``ClientIdentity/subject`` of the client that began it; empty where an older release recorded it.
  package var subject: String
  /// What the client said the bytes are.
  package var format: DataFormat
  /// The client's own name for the file; a label, never a path.
  package var label: String?
  /// What the client says of the file beside its label, by name. Small: a front bounds it.
  package var metadata: [String: String]
  /// What the whole must have, or has.
  package var digest: ContentDigest?
  /// In bytes; `nil` where it is unknown.
  package var total: Int64?
  /// When the upload was offered.
  package var createdAt: WallTime
  /// Whether it stands for itself.
  package var role: UploadRole

  /// The facts of one upload. What has a default here is what many uploads do without.
  package init(
    key: UploadKey, route: String, owner: String = "", subject: String = "", format: DataFormat = .bytes,
    label: String? = nil, metadata: [String: String] = [:], digest: ContentDigest? = nil, total: Int64?,
    createdAt: WallTime, role: UploadRole = .whole
  ) {
    self.key = key
    self.route = route
    self.owner = owner
    self.subject = subject
    self.format = format
    self.label = label
    self.metadata = metadata
    self.digest = digest
    self.total = total
    self.createdAt = createdAt
    self.role = role
  }
}
