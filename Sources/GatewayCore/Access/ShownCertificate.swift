/// A client's certificate, which the listener verified in the handshake.
package final class ShownCertificate: Sendable {
  /// Whose it is.
  package let holder: CertificateHolder
  /// What it says of its holder.
  package let names: Names
  /// SHA-256 of its public key (SubjectPublicKeyInfo).
  package let key: [UInt8]
  /// The same of the key of the authority that signed it.
  package let authority: [UInt8]
  private let trust: @Sendable (WallTime) -> WallTime?

  /// What a certificate says of its holder.
  package struct Names: Hashable, Sendable {
    /// The subject in RFC 2253 form.
    package var subject: String
    /// The subject's most specific common name; `nil` where there is none beyond doubt.
    package var commonName: String?
    /// DNS names of the subject alternative name extension.
    package var dns: [String]
    /// The same for URIs.
    package var uris: [String]
    /// The same for e-mail addresses.
    package var emails: [String]

    /// All of it.
    package init(
      subject: String = "", commonName: String? = nil, dns: [String] = [], uris: [String] = [], emails: [String] = []
    ) {
      self.subject = subject
      self.commonName = commonName
      self.dns = dns
      self.uris = uris
      self.emails = emails
    }
  }

  /// - Parameter trust: until when a full handshake with the certificate would end well, by what is trusted at a moment; `nil`
  ///   where it would not even then.
  package init(
    holder: CertificateHolder, names: Names = Names(), key: [UInt8] = [], authority: [UInt8] = [],
    trust: @escaping @Sendable (WallTime) -> WallTime? = { _ in WallTime(milliseconds: .max) }
  ) {
    self.holder = holder
    self.names = names
    self.key = key
    self.authority = authority
    self.trust = trust
  }

  /// Until when a full handshake with it would end well; `nil` where it would not even now. The listener may have learnt of
  /// revoked certificates since the handshake, or trust others.
  func trustedUntil(at now: WallTime) -> WallTime? { trust(now) }
}
