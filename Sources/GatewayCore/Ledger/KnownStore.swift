/// The place of a route's uploads, as the ledger knows it.
package struct KnownStore: Hashable, Sendable {
  /// The route's path.
  package var route: String
  /// What the place's own mark says of it.
  package var id: String
  /// Where it was last.
  package var directory: String

  /// All of it.
  package init(route: String, id: String, directory: String) {
    self.route = route
    self.id = id
    self.directory = directory
  }
}
