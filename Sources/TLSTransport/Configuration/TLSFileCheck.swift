internal import COpenSSL

/// Looks at single files, so that all that is wrong with several can be told at once. A ``TLSContext`` stops at the
/// first, and looks at the time of its own certificate alone.
public enum TLSFileCheck {
  /// Whether the file has certificates, and nothing that cannot be decoded.
  ///
  /// - Returns: warnings of those that are not valid now. The first is left out, because ``TLSContext`` warns of it.
  /// - Throws: a ``TLSConfigurationError`` that names the file and the cause.
  public static func chain(_ path: String) throws(TLSConfigurationError) -> [TLSConfigurationWarning] {
    try warnings(path, for: .chain, after: 1)
  }

  /// The same for authorities, all of them.
  public static func authorities(_ path: String) throws(TLSConfigurationError) -> [TLSConfigurationWarning] {
    try warnings(path, for: .authorities, after: 0)
  }

  /// Whether the file has a private key that can be used without a password.
  ///
  /// - Throws: a ``TLSConfigurationError`` that names the file and the cause.
  public static func privateKey(_ path: String) throws(TLSConfigurationError) {
    EVP_PKEY_free(try PEMFile(path: path).privateKey())
  }

  /// Whether the file has lists of revoked certificates, and nothing that cannot be decoded. What a ``TLSContext`` warns of is
  /// left to that.
  ///
  /// - Throws: a ``TLSConfigurationError`` that names the file and the cause.
  public static func revocationLists(_ path: String) throws(TLSConfigurationError) {
    for one in try PEMFile(path: path, limit: PEMFile.revocationByteLimit).revocationLists() { X509_CRL_free(one.list) }
  }

  private static func warnings(
    _ path: String, for purpose: PEMFile.Purpose, after first: Int
  ) throws(TLSConfigurationError) -> [TLSConfigurationWarning] {
    let certificates = try PEMFile(path: path).certificates(for: purpose).map(\.certificate)
    defer { for certificate in certificates { X509_free(certificate) } }
    return certificates.dropFirst(first).compactMap { certificate in
      if let end = X509_get0_notAfter(certificate), X509_cmp_time(end, nil) < 0 {
        return .certificateExpired(path: path, notAfter: CertificateTime.text(end))
      }
      if let begin = X509_get0_notBefore(certificate), X509_cmp_time(begin, nil) > 0 {
        return .certificateNotYetValid(path: path, notBefore: CertificateTime.text(begin))
      }
      return nil
    }
  }
}
