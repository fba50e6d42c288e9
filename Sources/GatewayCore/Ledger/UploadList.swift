/// Which uploads a command asks for. What is `nil` or empty takes everything.
package struct UploadList: Sendable {
  /// Those in this state alone.
  package var state: UploadRecord.State?
  /// Those of this route alone, by its path.
  package var route: String?
  /// Those whose keys begin so.
  package var keyPrefix = ""
  /// Those behind this one, in the order of the list; nothing where there is none of that key.
  package var after: UploadKey?

  /// Everything, but for what is given.
  package init(
    state: UploadRecord.State? = nil, route: String? = nil, keyPrefix: String = "", after: UploadKey? = nil
  ) {
    self.state = state
    self.route = route
    self.keyPrefix = keyPrefix
    self.after = after
  }
}
