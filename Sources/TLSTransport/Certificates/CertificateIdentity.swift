internal import COpenSSL
internal import TextForms

/// Who a verified certificate says that its holder is: the same for all certificates that one authority gives to one
/// client, one after another, and for no others.
///
/// It is made of the key of the authority that signed the certificate, the subject and all alternative names. A renewed
/// certificate has the same, and so has one of an authority whose own certificate was renewed or signed by others: its
/// key stays. Where the names tell nobody apart, the certificate's own fingerprint is in it as well.
public struct CertificateIdentity: Hashable, Sendable {
  /// SHA-256 of all that.
  public let digest: [UInt8]
  /// The names, for people: in printable ASCII, and cut.
  public let text: String
  /// Whether the subject alone tells anybody apart.
  public let hasSubject: Bool

  /// 160 bits of ``digest`` in hexadecimal, as key identifiers are cut (RFC 7093, section 2), a colon, and ``text``.
  public var name: String { Hexadecimal.text(digest.prefix(20)) + ":" + text }

  /// - Parameters:
  ///   - authority: SHA-256 of the key that the certificate was verified by (``authorityKey(of:)``).
  ///   - fingerprint: SHA-256 of the certificate.
  init?(_ certificate: OpaquePointer, authority: [UInt8], fingerprint: [UInt8]) {
    let names = CertificateNames(certificate)
    var whole = CanonicalBytes()
    whole.part("sluice client 1".utf8)
    whole.part(authority)
    whole.part(names.encoding)
    whole.part(names.tellApart ? [] : fingerprint)
    guard let digest = Self.sha256(whole.bytes) else { return nil }
    self.digest = digest
    hasSubject = names.hasSubject
    text = names.tellApart ? names.text : "unnamed"
  }

  /// SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 5280, section 4.1); `nil` only for want of memory.
  static func authorityKey(of certificate: OpaquePointer) -> [UInt8]? {
    let key = X509_get_X509_PUBKEY(certificate)
    let count = i2d_X509_PUBKEY(key, nil)
    guard count > 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    let written = bytes.withUnsafeMutableBufferPointer { bytes -> CInt in
      var cursor = bytes.baseAddress
      return i2d_X509_PUBKEY(key, &cursor)
    }
    return written == count ? sha256(bytes) : nil
  }

  static func sha256(_ bytes: [UInt8]) -> [UInt8]? {
    var digest = [UInt8](repeating: 0, count: 32)
    return EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil) == 1 ? digest : nil
  }
}
