import COpenSSL
import Foundation
import Testing

@testable import TLSTransport

/// A list of revoked certificates, as a test likes it.
enum ForgedRevocationList {
  /// - Parameters:
  ///   - authority: whose list it is.
  ///   - signer: another's key, for a list that is forged.
  ///   - from, until: in seconds from now; `nil` says nothing of a next list.
  /// - Returns: in PEM.
  static func pem(
    of authority: ForgedCertificate, revoking revoked: [ForgedCertificate] = [], signer: ForgedCertificate? = nil,
    from: Int = -3600, until: Int? = 3600
  ) throws -> String {
    let list = try #require(X509_CRL_new())
    defer { X509_CRL_free(list) }
    try #require(X509_CRL_set_version(list, 1) == 1)
    try #require(X509_CRL_set_issuer_name(list, X509_get_subject_name(authority.handle)) == 1)
    try setTime(from) { X509_CRL_set1_lastUpdate(list, $0) }
    if let until { try setTime(until) { X509_CRL_set1_nextUpdate(list, $0) } }
    for certificate in revoked {
      let entry = try #require(X509_REVOKED_new())
      try #require(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.handle)) == 1)
      try setTime(from) { X509_REVOKED_set_revocationDate(entry, $0) }
      try #require(X509_CRL_add0_revoked(list, entry) == 1)
    }
    try #require(X509_CRL_sort(list) == 1)
    try #require(X509_CRL_sign(list, (signer ?? authority).key, nil) > 0)
    return CertificateText.print { PEM_write_bio_X509_CRL($0, list) == 1 } ?? ""
  }

  /// Writes lists into one file, beside the certificates of ``Certificates/ours``.
  static func file(_ lists: String...) throws -> String {
    let path = Certificates.ours.path(UUID().uuidString + ".crl")
    try lists.joined().write(toFile: path, atomically: false, encoding: .utf8)
    return path
  }

  private static func setTime(_ seconds: Int, _ set: (UnsafeMutablePointer<ASN1_TIME>) -> CInt) throws {
    let moment = try #require(ASN1_TIME_set(nil, time(nil) + seconds))
    defer { ASN1_STRING_free(moment) }
    try #require(set(moment) == 1)
  }
}
