internal import COpenSSL

/// What a client needs to go on with an earlier session, and so to leave out certificates and signatures: a ticket
/// (RFC 8446, section 4.6.1; RFC 5077). Servers may refuse it, which costs nothing but a full handshake.
public final class TLSResumption: Sendable {
  /// An `SSL_SESSION` that no connection has, so that nothing changes it: OpenSSL marks the session of a connection
  /// that ends without `close_notify` as not to be resumed, and with it everybody else's who has the same.
  nonisolated(unsafe) let handle: OpaquePointer

  /// Takes over the only reference.
  init(_ handle: OpaquePointer) {
    self.handle = handle
  }

  deinit {
    SSL_SESSION_free(handle)
  }
}

extension TLSSession {
  /// The newest ticket that the server gave; nil without one. With TLS 1.3 tickets come after the handshake.
  public var resumption: TLSResumption? {
    guard isHandshakeComplete, failure == nil, let session = SSL_get_session(handle),
      SSL_SESSION_is_resumable(session) == 1, let copy = SSL_SESSION_dup(session)
    else { return nil }
    return TLSResumption(copy)
  }

  /// Offers a ticket in the handshake, which must not have begun. One that cannot be used is not offered, nor one of a
  /// server whose certificate has expired since.
  public func offer(_ resumption: TLSResumption) {
    OpenSSLErrors.clear()
    if let certificate = SSL_SESSION_get0_peer(resumption.handle), SSL_get_verify_mode(handle) != SSL_VERIFY_NONE {
      guard let end = CertificateTime.seconds(X509_get0_notAfter(certificate)), SessionOrigin.now(handle) < end else {
        return OpenSSLErrors.clear()
      }
    }
    guard let copy = SSL_SESSION_dup(resumption.handle) else { return OpenSSLErrors.clear() }
    if SSL_set_session(handle, copy) != 1 { OpenSSLErrors.clear() }
    // The connection has a reference of its own.
    SSL_SESSION_free(copy)
  }
}
