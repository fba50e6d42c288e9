internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What an authority says of the server's certificate (RFC 6960), for clients that ask for it in the handshake (RFC 6066,
/// section 8): a file of DER that somebody renews.
final class OCSPStaple: Sendable {
  let bytes: [UInt8]
  /// When the next one is to be there, in seconds since 1970; nothing is told from then on.
  let until: Int64

  /// Reads the file.
  ///
  /// - Parameter certificate: that it has to be about.
  init(path: String, of certificate: OpaquePointer) throws(TLSConfigurationError) {
    let bytes = try PEMFile(path: path).content
    self.bytes = bytes
    defer { OpenSSLErrors.clear() }
    let response = bytes.withUnsafeBufferPointer { buffer in
      var cursor = buffer.baseAddress
      return d2i_OCSP_RESPONSE(nil, &cursor, CLong(buffer.count))
    }
    guard let response else {
      throw .notUnderstood(path: path, line: 0, cause: "not an OCSP response in DER (`openssl ocsp -respout FILE`)")
    }
    defer { OCSP_RESPONSE_free(response) }
    guard OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL,
      let basic = OCSP_response_get1_basic(response)
    else { throw .notUnderstood(path: path, line: 0, cause: "the OCSP responder has refused to answer; ask it again") }
    defer { OCSP_BASICRESP_free(basic) }
    guard let single = Self.answer(in: basic, about: certificate) else {
      throw .notUnderstood(path: path, line: 0, cause: "this OCSP response is about another certificate")
    }
    var (reason, next): (CInt, UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?) = (0, nil)
    let status = OCSP_single_get0_status(single, &reason, nil, nil, &next)
    guard status == V_OCSP_CERTSTATUS_GOOD else {
      throw .notUnderstood(
        path: path, line: 0,
        cause:
          "the certificate is \(status == V_OCSP_CERTSTATUS_REVOKED ? "revoked" : "unknown"), says this OCSP response")
    }
    until = CertificateTime.seconds(next) ?? .max
  }

  var hasExpired: Bool { Int64(time(nil)) >= until }

  private static func answer(in basic: OpaquePointer, about certificate: OpaquePointer) -> OpaquePointer? {
    for index in 0..<OCSP_resp_count(basic) {
      var number: UnsafeMutablePointer<ASN1_INTEGER>?
      guard let single = OCSP_resp_get0(basic, index), let id = OCSP_SINGLERESP_get0_id(single),
        OCSP_id_get0_info(nil, nil, nil, &number, id) == 1, let number,
        ASN1_INTEGER_cmp(number, X509_get0_serialNumber(certificate)) == 0
      else { continue }
      return single
    }
    return nil
  }
}

/// A client asks for what an authority says.
let giveStaple: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> CInt = { handle, _ in
  guard let handle, let data = shim_SSL_get_app_data(handle) else { return SSL_TLSEXT_ERR_NOACK }
  let session = Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
  guard let staple = session.served.staple, !staple.hasExpired else { return SSL_TLSEXT_ERR_NOACK }
  return shim_SSL_give_ocsp_response(handle, staple.bytes, staple.bytes.count) == 1
    ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK
}
