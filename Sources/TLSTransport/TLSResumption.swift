internal import COpenSSL

/// What a client needs to go on with an earlier session, and so to leave out certificates and signatures: a ticket
/// (RFC 8446, section 4.6.1; RFC 5077). Servers may refuse it, which costs nothing but a full handshake.
public final class TLSResumption: Sendable {
  /// An `SSL_SESSION`. It counts its references atomically, and OpenSSL copies it before it changes it.
  nonisolated(unsafe) let handle: OpaquePointer

  /// Takes over one reference.
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
    guard isHandshakeComplete, failure == nil, let session = SSL_get1_session(handle) else { return nil }
    guard SSL_SESSION_is_resumable(session) == 1 else {
      SSL_SESSION_free(session)
      return nil
    }
    return TLSResumption(session)
  }

  /// Offers a ticket in the handshake, which must not have begun. One that cannot be used is not offered.
  public func offer(_ resumption: TLSResumption) {
    OpenSSLErrors.clear()
    if SSL_set_session(handle, resumption.handle) != 1 { OpenSSLErrors.clear() }
  }
}
