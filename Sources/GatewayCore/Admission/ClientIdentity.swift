import TextForms

/// Who sends: what a client has shown of itself on this connection or in this request.
package enum ClientIdentity: Hashable, Sendable {
  /// A verified client certificate.
  case certificate(CertificateHolder)
  /// A token that the route knows, by the name it is registered under; never the token itself.
  case token(name: String)
  /// Neither. The address is for quotas and logs alone: it proves nothing.
  case anonymous(address: String)

  /// Whose the upload is. Empty for an anonymous client: then the key alone speaks, from whatever address it comes
  /// (protocol.md, section 5).
  package var owner: String {
    switch self {
    case .certificate(let holder): Self.certificatePrefix + holder.identity
    case .token(let name): Self.tokenPrefix + name
    case .anonymous: ""
    }
  }

  /// What per-client limits count by.
  package var subject: String {
    switch self {
    case .certificate, .token: owner
    case .anonymous(let address): Self.addressPrefix + address
    }
  }

  /// Who it is, for an operator to read: as ``subject``, of a certificate without the digits that no person knows.
  package var name: String {
    guard case .certificate(let holder) = self else { return LogText.shown(subject) }
    let names = holder.identity.split(separator: ":", maxSplits: 1).last ?? ""
    return LogText.shown(Self.certificatePrefix + names)
  }

  /// Who began an upload, by what is recorded of that: its ``owner`` and ``subject``.
  init(owner: String, subject: String) {
    if owner.hasPrefix(Self.certificatePrefix) {
      let identity = String(owner.dropFirst(Self.certificatePrefix.count))
      self = .certificate(CertificateHolder(identity: identity, subject: nil))
    } else if owner.hasPrefix(Self.tokenPrefix) {
      self = .token(name: String(owner.dropFirst(Self.tokenPrefix.count)))
    } else {
      let isAddress = subject.hasPrefix(Self.addressPrefix)
      self = .anonymous(address: isAddress ? String(subject.dropFirst(Self.addressPrefix.count)) : "unknown")
    }
  }

  private static let certificatePrefix = "certificate:"
  private static let tokenPrefix = "token:"
  private static let addressPrefix = "address:"

  /// Whether an upload with this ``UploadRecord/owner`` is this client's.
  ///
  /// Earlier releases knew a certificate by its subject alone, and their uploads are to find their clients, as long as one
  /// authority alone is trusted: of two, one could claim what is the other's. What begins now is never recorded so, and no
  /// subject reads like a ``CertificateHolder/identity``.
  package func owns(_ owner: String) -> Bool {
    if owner == self.owner { return true }
    guard case .certificate(let holder) = self, let subject = holder.subject else { return false }
    return owner == Self.certificatePrefix + subject
  }
}

/// The client that a verified certificate stands for.
package struct CertificateHolder: Hashable, Sendable {
  /// The same for all certificates that one authority gives to one client, and for no others: 40 hexadecimal digits, a
  /// colon, and the names for people to read.
  package var identity: String
  /// The subject in RFC 2253 form, by which earlier releases knew the client; `nil` where it tells nobody apart, or where
  /// several authorities are trusted, whose certificates may have the same.
  package var subject: String?

  /// Both.
  package init(identity: String, subject: String?) {
    self.identity = identity
    self.subject = subject
  }
}
