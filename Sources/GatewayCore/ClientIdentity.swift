/// Who sends: what a client has shown of itself on this connection or in this request.
public enum ClientIdentity: Hashable, Sendable {
  /// A verified client certificate, by its subject in RFC 2253 form.
  case certificate(subject: String)
  /// A token that the route knows, by the name it is registered under; never the token itself.
  case token(name: String)
  /// Neither. The address is for quotas and logs alone: it proves nothing.
  case anonymous(address: String)

  /// Whose the upload is. Empty for an anonymous client: then the key alone speaks, from whatever address it comes
  /// (protocol.md, section 5).
  public var owner: String {
    switch self {
    case .certificate(let subject): "certificate:" + subject
    case .token(let name): "token:" + name
    case .anonymous: ""
    }
  }

  /// What per-client limits count by.
  public var subject: String {
    switch self {
    case .certificate, .token: owner
    case .anonymous(let address): "address:" + address
    }
  }
}
