internal import COpenSSL

// The name that a client asks for, and that the server's certificate must have.
extension TLSSession {
  func useServerName(_ asked: String?) throws(TLSConfigurationError) {
    guard var name = asked else {
      // Without a name any certificate of a trusted authority would do for any server.
      guard !context.verifiesServerName else { throw .serverName("") }
      return
    }
    guard !name.isEmpty, name.utf8.count <= 253, name.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw .serverName(name)
    }
    // OpenSSL takes a name with a dot in front for that of any host behind it.
    guard !name.hasPrefix(".") else { throw .serverName(name) }
    // A name from the root of all names is in no certificate, and not allowed in SNI (RFC 6066, section 3).
    if name.hasSuffix(".") { name.removeLast() }
    // This fails for whatever is not an address, and tells the two kinds apart as the verifier will.
    let isAddress = shim_SSL_set1_ip_asc(handle, name) == 1
    OpenSSLErrors.clear()
    if isAddress { return }
    // RFC 9525, sections 2 and 6.3: alternative names alone, and in them `*` only for a whole label.
    SSL_set_hostflags(
      handle, CUnsignedInt(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
    guard SSL_set1_host(handle, name) == 1, shim_SSL_set_tlsext_host_name(handle, name) == 1 else {
      OpenSSLErrors.clear()
      throw .serverName(name)
    }
  }
}
