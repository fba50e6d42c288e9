/// Knows bearer tokens by what it keeps of them, never by themselves.
package protocol TokenDirectory: Sendable {
  /// Who has `token`, or `nil` for one that nobody registered or that was revoked. Whether it has expired, and where it is
  /// good, is not judged.
  func holder(of token: String) -> TokenHolder?

  /// The same of a token that was shown earlier, perhaps to a directory that this one has replaced.
  func current(_ earlier: TokenHolder) -> TokenHolder?
}

/// Who has a token, and what it is good for.
package struct TokenHolder: Hashable, Sendable {
  /// What a directory keeps of the token; the same for no two tokens.
  package var id: [UInt8]
  /// The name that it is registered under.
  package var name: String
  /// The group that it is registered in.
  package var group: String?
  /// The routes that it is good for; `nil` for all.
  package var routes: Set<String>?
  /// When it ceases to be good; `nil` for never.
  package var expiresAt: WallTime?

  /// All of it.
  package init(
    id: [UInt8], name: String, group: String? = nil, routes: Set<String>? = nil, expiresAt: WallTime? = nil
  ) {
    self.id = id
    self.name = name
    self.group = group
    self.routes = routes
    self.expiresAt = expiresAt
  }

  func isGood(on route: String, at now: WallTime) -> Bool {
    (expiresAt.map { now < $0 } ?? true) && (routes?.contains(route) ?? true)
  }
}
