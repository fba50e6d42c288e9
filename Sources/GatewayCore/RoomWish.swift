/// What an upload asks of its forwarder before it is offered anything.
public struct RoomWish: Sendable {
  /// Which.
  public var key: UploadKey
  /// How many bytes more it would bring; at least 1.
  public var bytes: Int64
  /// Whether fewer will do.
  public var takesPart: Bool
  /// ``ClientIdentity/subject`` of who would bring them.
  public var subject: String

  /// All of it.
  public init(key: UploadKey, bytes: Int64, takesPart: Bool, subject: String) {
    self.key = key
    self.bytes = bytes
    self.takesPart = takesPart
    self.subject = subject
  }
}
