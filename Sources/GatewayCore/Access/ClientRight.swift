/// By what a client was let in to a route: enough to judge it again, without the token itself.
struct AccessGrounds: Sendable {
  let route: String
  let token: TokenHolder?
  let certificate: ShownCertificate?
  let address: String
}

extension RouteAccess {
  /// What of the credentials counts on the route. A wrong token is never passed over for something else.
  ///
  /// - Throws: ``Refusal/unauthorized``.
  func grounds(_ credentials: Credentials, on route: String) throws(Refusal) -> AccessGrounds {
    var holder: TokenHolder?
    if let tokens, let token = credentials.token {
      guard let found = tokens.holder(of: token) else { throw .unauthorized }
      holder = found
    }
    return AccessGrounds(
      route: route, token: holder, certificate: credentials.certificate, address: credentials.address)
  }

  /// The client's right, or `nil` where it has none. A token comes before the certificate: where both are asked for, it is the
  /// token that names the client.
  ///
  /// - Parameter edition: ``PublishedAccess/edition``, read before these rules were.
  func right(by grounds: AccessGrounds, at now: WallTime, edition: Int) -> ClientRight? {
    var end: WallTime?
    if let certificate = grounds.certificate {
      // With such a certificate there would be no connection by now, whatever the route asks for.
      guard let trustedUntil = certificate.trustedUntil(at: now) else { return nil }
      end = trustedUntil
    }
    guard let identity = identity(by: grounds, at: now) else { return nil }
    if let expiresAt = grounds.token?.expiresAt { end = min(end ?? expiresAt, expiresAt) }
    return ClientRight(identity: identity, grounds: grounds, edition: edition, end: end)
  }

  private func identity(by grounds: AccessGrounds, at now: WallTime) -> ClientIdentity? {
    if let holder = grounds.token {
      guard holder.isGood(on: grounds.route, at: now), isOpen(to: holder, grounds.certificate) else { return nil }
      return .token(name: holder.name)
    }
    if let certificate = grounds.certificate, takesAnyone || isOpen(to: nil, certificate) {
      return .certificate(certificate.holder)
    }
    return takesAnyone ? .anonymous(address: grounds.address) : nil
  }

  /// Whether one of the ways is open. One that asks for no token is not open to who shows one: it was shown to be judged.
  private func isOpen(to holder: TokenHolder?, _ certificate: ShownCertificate?) -> Bool {
    ways.contains { way in
      guard (way.tokens == nil) == (holder == nil), way.tokens != nil || way.certificates != nil else { return false }
      if let tokens = way.tokens, let holder, !tokens.includes(holder) { return false }
      guard let terms = way.certificates else { return true }
      return certificate.map(terms.includes) ?? false
    }
  }
}

/// A client's right to upload to a route, which is judged again while its upload is under way.
struct ClientRight: Sendable {
  let identity: ClientIdentity
  /// `nil` where there are none to judge again: a key is good for as long as its upload is there.
  private let grounds: AccessGrounds?
  private let route: String
  /// What ``PublishedAccess/edition`` it was judged by.
  private let edition: Int
  /// When it ends by itself, or has to be judged again; `nil` for never.
  private let end: WallTime?

  fileprivate init(identity: ClientIdentity, grounds: AccessGrounds, edition: Int, end: WallTime?) {
    self.identity = identity
    self.grounds = grounds
    route = grounds.route
    self.edition = edition
    self.end = end
  }

  /// The right to go on with what is there already, as who began it: by an upload's key, or as the gateway itself.
  init(of identity: ClientIdentity, on route: String) {
    self.identity = identity
    self.route = route
    (grounds, edition, end) = (nil, 0, nil)
  }

  /// Whether the client may still upload, and is who it was. Costs next to nothing while nothing was changed.
  mutating func stands(in access: PublishedAccess, now: () -> WallTime) -> Bool {
    guard let grounds else { return access.access(to: route) != nil }
    let newest = access.edition
    guard newest != edition || end != nil else { return true }
    let now = now()
    if newest == edition, let end, now < end { return true }
    guard let rules = access.access(to: grounds.route) else { return false }
    var token: TokenHolder?
    if let earlier = grounds.token {
      guard let found = rules.tokens?.current(earlier) else { return false }
      token = found
    }
    let current = AccessGrounds(
      route: grounds.route, token: token, certificate: grounds.certificate, address: grounds.address)
    guard let right = rules.right(by: current, at: now, edition: newest), right.identity == identity else {
      return false
    }
    self = right
    return true
  }
}
