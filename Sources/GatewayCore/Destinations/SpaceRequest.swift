/// What an upload asks of its forwarder's space before it is offered anything.
package struct SpaceRequest: Sendable {
  /// Which.
  package var key: UploadKey
  /// How many bytes more it would bring; at least 1.
  package var bytes: Int64
  /// Whether fewer will do.
  package var takesPart: Bool
  /// ``ClientIdentity/subject`` of who would bring them.
  package var subject: String

  /// All of it.
  package init(key: UploadKey, bytes: Int64, takesPart: Bool, subject: String) {
    self.key = key
    self.bytes = bytes
    self.takesPart = takesPart
    self.subject = subject
  }
}
