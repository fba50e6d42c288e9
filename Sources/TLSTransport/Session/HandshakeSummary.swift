internal import COpenSSL

extension TLSHandshakeCompleted {
  /// Asks an `SSL` whose handshake is complete.
  ///
  /// - Parameter origin: on a server, of the client's verified certificate.
  init(session: OpaquePointer, origin: SessionOrigin?, recordPath: TLSRecordPath) {
    protocolVersion = SSL_get_version(session).map { String(cString: $0) } ?? ""
    cipher = shim_SSL_get_cipher_name(session).map { String(cString: $0) } ?? ""
    serverName = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
    self.recordPath = recordPath
    isResumed = SSL_session_reused(session) == 1

    var name: UnsafePointer<UInt8>?
    var length: CUnsignedInt = 0
    SSL_get0_alpn_selected(session, &name, &length)
    alpn = name.map { String(decoding: UnsafeBufferPointer(start: $0, count: Int(length)), as: UTF8.self) }

    let certificate = SSL_get1_peer_certificate(session)
    defer { X509_free(certificate) }
    peerCertificate = certificate.flatMap { PeerCertificate($0, chain: origin?.chain) }
  }
}
