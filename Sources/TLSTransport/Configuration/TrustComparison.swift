internal import COpenSSL

// Whether a client that was let in would be let in now.

extension TLSContext {
  /// Whether clients need to show here what they needed to show there, and to the same authorities.
  public func trustsAsMuch(as other: TLSContext) -> Bool {
    trustName == other.trustName && nameTrust == other.nameTrust
  }

  private var nameTrust: [String: [UInt8]] { names?.table.all.mapValues(\.trustName) ?? [:] }
}

extension TLSHandler {
  /// Whether a handshake with `context`, a server's, would take the certificate that the client has shown, or its having
  /// none. A resumed session does not have all of the client's chain: where that was needed, the answer is no.
  public func isTrusted(by context: TLSContext) -> Bool { session.isTrusted(by: context) }
}

extension TLSSession {
  func isTrusted(by server: TLSContext) -> Bool {
    let name = SSL_get_servername(handle, TLSEXT_NAMETYPE_host_name).map { String(cString: $0).lowercased() }
    // A name that is served no more takes nobody's rights.
    let context = server.serving(name) ?? server
    let mode = SSL_CTX_get_verify_mode(context.handle)
    guard let certificate = SSL_get1_peer_certificate(handle) else {
      return mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT == 0
    }
    defer { X509_free(certificate) }
    guard mode & SSL_VERIFY_PEER != 0, let verification = X509_STORE_CTX_new() else { return false }
    defer {
      X509_STORE_CTX_free(verification)
      OpenSSLErrors.clear()
    }
    return X509_STORE_CTX_init(
      verification, SSL_CTX_get_cert_store(context.handle), certificate, SSL_get_peer_cert_chain(handle)) == 1
      && X509_STORE_CTX_set_default(verification, "ssl_client") == 1 && X509_verify_cert(verification) == 1
  }
}
