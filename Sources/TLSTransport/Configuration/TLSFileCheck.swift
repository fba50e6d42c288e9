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

  private static func warnings(
    _ path: String, for purpose: PEMFile.Purpose, after first: Int
  ) throws(TLSConfigurationError) -> [TLSConfigurationWarning] {
    let certificates = try PEMFile(path: path).certificates(for: purpose).map(\.certificate)
    defer { for certificate in certificates { X509_free(certificate) } }
    return certificates.dropFirst(first).compactMap { certificate in
      if let end = X509_get0_notAfter(certificate), X509_cmp_time(end, nil) < 0 {
        return .certificateExpired(path: path, notAfter: text(of: end))
      }
      if let begin = X509_get0_notBefore(certificate), X509_cmp_time(begin, nil) > 0 {
        return .certificateNotYetValid(path: path, notBefore: text(of: begin))
      }
      return nil
    }
  }

  private static func text(of time: UnsafePointer<ASN1_TIME>) -> String {
    CertificateText.print { ASN1_TIME_print($0, time) == 1 } ?? "an unreadable time"
  }
}
