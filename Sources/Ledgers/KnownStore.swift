/// The place of a route's uploads, as the ledger knows it.
public struct KnownStore: Hashable, Sendable {
  /// The route's path.
  public var route: String
  /// What the place's own mark says of it.
  public var id: String
  /// Where it was last.
  public var directory: String

  /// All of it.
  public init(route: String, id: String, directory: String) {
    self.route = route
    self.id = id
    self.directory = directory
  }
}
