internal import COpenSSL

/// How a client's certificate was verified: enough to judge it again, by what is trusted later, without the certificates.
public struct CertificateChain: Sendable, Hashable {
  /// One certificate of the chain, as its authority knows it.
  struct Link: Sendable, Hashable {
    /// SHA-256 of the issuer's name.
    var issuer: [UInt8]
    /// SHA-256 of the public key that signed it.
    var authority: [UInt8]
    /// The serial number: 1 if it is below zero, or else 0, and its amount, most significant byte first.
    var serial: [UInt8]
  }

  /// When all of them are valid, in seconds since 1970.
  var validity: Range<Int64>
  /// SHA-256 of the last certificate, which is trusted by itself.
  var anchor: [UInt8]
  /// The client's own first; never empty.
  var links: [Link]

  /// SHA-256 of the public key that signed the client's certificate (its SubjectPublicKeyInfo, RFC 5280, section 4.1).
  public var authority: [UInt8] { links[0].authority }

  /// No real chain is longer, and ticket and verification have a bound.
  static let longest = 10

  init(validity: Range<Int64>, anchor: [UInt8], links: [Link]) {
    precondition(!links.isEmpty, "a chain without a certificate")
    self.validity = validity
    self.anchor = anchor
    self.links = links
  }

  /// Of a connection whose handshake has come far enough for the client's certificate to be verified, and that resumes
  /// nothing. `nil` where the client showed none.
  init?(verifiedBy session: OpaquePointer) {
    let count = shim_SSL_verified_chain_count(session)
    guard (1...CInt(Self.longest)).contains(count) else { return nil }
    let certificates = (0..<count).compactMap { shim_SSL_verified_chain_certificate(session, $0) }
    var (from, until) = (Int64.min, Int64.max)
    for certificate in certificates {
      // A time that cannot be read would not have been verified.
      from = max(from, CertificateTime.seconds(X509_get0_notBefore(certificate)) ?? .max)
      until = min(until, CertificateTime.seconds(X509_get0_notAfter(certificate)) ?? .min)
    }
    validity = from < until ? from..<until : 0..<0
    links = []
    for (index, certificate) in certificates.enumerated() {
      // One that vouches for itself stands last, or alone.
      let issuer = certificates[min(index + 1, certificates.count - 1)]
      guard let name = Self.digest(of: X509_get_issuer_name(certificate)),
        let key = CertificateIdentity.authorityKey(of: issuer), let serial = X509_get0_serialNumber(certificate)
      else { return nil }
      links.append(Link(issuer: name, authority: key, serial: Self.serial(serial)))
    }
    guard let last = certificates.last, let anchor = Self.fingerprint(of: last) else { return nil }
    self.anchor = anchor
  }

  static func serial(_ number: UnsafePointer<ASN1_INTEGER>) -> [UInt8] {
    [ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER ? 1 : 0] + NameText.raw(number)
  }

  /// SHA-256 of a name in DER; `nil` only for want of memory.
  static func digest(of name: OpaquePointer?) -> [UInt8]? {
    guard let name else { return nil }
    var digest = [UInt8](repeating: 0, count: 32)
    return X509_NAME_digest(name, EVP_sha256(), &digest, nil) == 1 ? digest : nil
  }

  /// SHA-256 of a certificate; `nil` only for want of memory.
  static func fingerprint(of certificate: OpaquePointer) -> [UInt8]? {
    var digest = [UInt8](repeating: 0, count: 32)
    return X509_digest(certificate, EVP_sha256(), &digest, nil) == 1 ? digest : nil
  }

  // MARK: In a ticket

  var bytes: [UInt8] {
    var bytes = CanonicalBytes()
    bytes.number(validity.lowerBound)
    bytes.number(validity.upperBound)
    bytes.part(anchor)
    bytes.count(links.count)
    for link in links {
      bytes.part(link.issuer)
      bytes.part(link.authority)
      bytes.part(link.serial)
    }
    return bytes.bytes
  }

  init?(_ reader: inout CanonicalReader) {
    guard let from = reader.number(), let until = reader.number(), from <= until, let anchor = reader.part(),
      let count = reader.count(), (1...Self.longest).contains(count)
    else { return nil }
    var links: [Link] = []
    for _ in 0..<count {
      guard let issuer = reader.part(), let authority = reader.part(), let serial = reader.part() else { return nil }
      links.append(Link(issuer: issuer, authority: authority, serial: serial))
    }
    self.init(validity: from..<until, anchor: anchor, links: links)
  }
}
