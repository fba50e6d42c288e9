extension DirectoryStore {
  /// How a directory store keeps uploads.
  public struct Settings: Hashable, Sendable {
    /// A path; no other store may have it.
    public var directory: String

    /// Files of the uploads' own bytes.
    public init(directory: String) {
      self.directory = directory
    }
  }
}
