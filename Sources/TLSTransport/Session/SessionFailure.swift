internal import COpenSSL

// Why a session failed, out of what libssl says.
extension TLSSession {
  /// Ends the session with what OpenSSL's error queue says.
  func fail() -> TLSError {
    fail(describeFailure())
  }

  func fail(_ failure: TLSError) -> TLSError {
    self.failure = failure
    return failure
  }

  func describeFailure() -> TLSError {
    let reason = OpenSSLErrors.take()
    if buffers.isOverLimit { return .flooded }
    if isHandshakeComplete { return .protocolViolation(reason: reason) }
    let verification = weightiest(SSL_get_verify_result(handle))
    guard verification == Int(X509_V_OK) || SSL_get_verify_mode(handle) == SSL_VERIFY_NONE else {
      return .untrustedCertificate(
        reason: String(cString: X509_verify_cert_error_string(verification)) + (wantOfNames(verification) ?? ""))
    }
    return .handshake(reason: reason)
  }

  /// OpenSSL looks at the name before the time. The time is the better reason: with another name the certificate would
  /// still be refused.
  private func weightiest(_ verification: Int) -> Int {
    guard isOfAnotherName(verification), let certificate = shim_SSL_get0_shown_certificate(handle) else {
      return verification
    }
    if X509_cmp_time(X509_get0_notAfter(certificate), nil) < 0 { return Int(X509_V_ERR_CERT_HAS_EXPIRED) }
    if X509_cmp_time(X509_get0_notBefore(certificate), nil) > 0 { return Int(X509_V_ERR_CERT_NOT_YET_VALID) }
    return verification
  }

  private func isOfAnotherName(_ verification: Int) -> Bool {
    [Int(X509_V_ERR_HOSTNAME_MISMATCH), Int(X509_V_ERR_IP_ADDRESS_MISMATCH)].contains(verification)
  }

  /// An addition to the reason, for a certificate that has its name only as a common name, where nobody looks any more.
  private func wantOfNames(_ verification: Int) -> String? {
    guard isOfAnotherName(verification), let certificate = shim_SSL_get0_shown_certificate(handle),
      X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0
    else { return nil }
    return ": the certificate has no subjectAltName, and its common name does not count (RFC 9525)"
  }
}
