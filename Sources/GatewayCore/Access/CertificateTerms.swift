/// Whose certificates are good.
package struct CertificateTerms: Hashable, Sendable {
  /// One of these fits; where there are none, all do.
  package var patterns: Set<CertificatePattern>
  /// SHA-256 of the public keys of authorities, one of which signed it; where there are none, any that is trusted.
  package var authorities: Set<[UInt8]>

  /// Everybody's, where both are empty.
  package init(patterns: Set<CertificatePattern> = [], authorities: Set<[UInt8]> = []) {
    self.patterns = patterns
    self.authorities = authorities
  }

  /// Everybody's.
  package static let any = CertificateTerms()

  func includes(_ certificate: ShownCertificate) -> Bool {
    (authorities.isEmpty || authorities.contains(certificate.authority))
      && (patterns.isEmpty || patterns.contains { $0.fits(certificate) })
  }
}

/// One thing that a certificate may say of its holder.
package enum CertificatePattern: Hashable, Sendable {
  /// The whole subject in RFC 2253 form.
  case subject(String)
  /// The subject's most specific common name.
  case commonName(String)
  /// A DNS name; `*` in place of its first label stands for any one label.
  case dns(String)
  /// A URI; `*` in place of a segment of its path stands for any one segment, `**` in place of the last for one or more.
  case uri(String)
  /// An e-mail address. The case of what is behind the `@` does not matter.
  case email(String)
  /// SHA-256 of the public key (SubjectPublicKeyInfo).
  case key([UInt8])

  func fits(_ certificate: ShownCertificate) -> Bool {
    let names = certificate.names
    return switch self {
    case .subject(let subject): names.subject == subject && !subject.isEmpty
    case .commonName(let name): names.commonName == name
    case .dns(let pattern): names.dns.contains { Self.isHost($0, like: pattern) }
    case .uri(let pattern): names.uris.contains { Self.isURI($0, like: pattern) }
    case .email(let address): names.emails.contains { Self.isSameAddress($0, address) }
    case .key(let key): certificate.key == key
    }
  }

  private static func isHost(_ name: String, like pattern: String) -> Bool {
    let (name, pattern) = (name.lowercased(), pattern.lowercased())
    guard pattern.hasPrefix("*.") else { return name == pattern }
    // A name that has a `*` itself is a pattern of its certificate's, and no name of this holder's alone.
    guard let dot = name.firstIndex(of: "."), dot > name.startIndex, !name.hasPrefix("*") else { return false }
    return name[dot...] == pattern.dropFirst()
  }

  private static func isURI(_ uri: String, like pattern: String) -> Bool {
    let (segments, wanted) = (parts(uri, "/"), parts(pattern, "/"))
    let isOpen = wanted.last == "**"
    guard isOpen ? segments.count >= wanted.count : segments.count == wanted.count else { return false }
    guard zip(segments, wanted).allSatisfy({ $0 == $1 || $1 == "*" && !$0.isEmpty || $1 == "**" }) else { return false }
    return !isOpen || segments[(wanted.count - 1)...].allSatisfy { !$0.isEmpty }
  }

  private static func isSameAddress(_ one: String, _ other: String) -> Bool {
    let (one, other) = (parts(one, "@"), parts(other, "@"))
    return one.count == 2 && other.count == 2 && one[0] == other[0] && one[1].lowercased() == other[1].lowercased()
  }

  private static func parts(_ text: String, _ separator: Character) -> [Substring] {
    text.split(separator: separator, omittingEmptySubsequences: false)
  }
}
