/// What a server judges clients' certificates by, beside libssl's own verification in a full handshake: sessions that are
/// resumed, and connections that go on while other authorities or lists of revoked certificates are published.
public final class ClientTrust: Sendable {
  /// Whether all clients are vouched for by one authority in the end. Its certificates may be several, of one key.
  public let isOneAuthority: Bool
  /// SHA-256 of each certificate that is trusted by itself.
  private let anchors: Set<[UInt8]>
  private let revoked: RevocationLists?

  init(anchors: Set<[UInt8]>, isOneAuthority: Bool, revoked: RevocationLists?) {
    self.anchors = anchors
    self.isOneAuthority = isOneAuthority
    self.revoked = revoked
  }

  /// Until when a full handshake with the same certificates would end well, in seconds since 1970; `nil` where it would not
  /// even at `now`.
  public func trusts(_ chain: CertificateChain, at now: Int64) -> Int64? {
    guard anchors.contains(chain.anchor), chain.validity.contains(now) else { return nil }
    guard let revoked else { return chain.validity.upperBound }
    return revoked.permits(chain, at: now).map { min($0, chain.validity.upperBound) }
  }
}
