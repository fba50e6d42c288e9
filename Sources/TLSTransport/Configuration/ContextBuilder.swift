internal import COpenSSL

/// An `SSL_CTX` in the making. What was not handed on by ``release()`` is freed, so every throwing step may simply
/// throw.
final class ContextBuilder {
  let handle: OpaquePointer
  var warnings: [TLSConfigurationWarning] = []
  private var isReleased = false
  /// Certificates in the file of the own one.
  private var chainSize = 0
  /// When the first of them is valid no more, in seconds since 1970.
  private var expiresAt = Int64.max
  /// SHA-256 of each authority that is trusted.
  private var authorities: Set<[UInt8]> = []
  /// The authorities themselves.
  private(set) var trusted: [OpaquePointer] = []
  /// The same for whoever asks the same of clients, and vouches for them by the same authorities.
  private(set) var trustName: [UInt8] = []

  init(role: TLSContext.Role, profile: TLSProfile) throws(TLSConfigurationError) {
    OpenSSLErrors.clear()
    guard let context = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
      throw .library(cause: OpenSSLErrors.take())
    }
    handle = context
    // The system's openssl.cnf may have set an upper version or this option; 0 is "whatever is newest".
    try check(shim_SSL_CTX_set_min_proto_version(handle, profile.minimumVersion))
    try check(shim_SSL_CTX_set_max_proto_version(handle, 0))
    try check(SSL_CTX_set_ciphersuites(handle, TLSProfile.cipherSuites))
    try check(SSL_CTX_set_cipher_list(handle, TLSProfile.ciphers))
    try check(shim_SSL_CTX_set1_groups_list(handle, TLSProfile.groups))
    SSL_CTX_clear_options(handle, shim_OP_IGNORE_UNEXPECTED_EOF())
    SSL_CTX_set_options(
      handle, shim_OP_NO_COMPRESSION() | shim_OP_NO_RENEGOTIATION() | shim_OP_CIPHER_SERVER_PREFERENCE())
    // A retried write may come from a buffer that has moved; buffers of idle connections are given back.
    _ = shim_SSL_CTX_set_mode(handle, shim_MODE_RELEASE_BUFFERS() | shim_MODE_ACCEPT_MOVING_WRITE_BUFFER())
    // Resumption is by tickets, which the client keeps: no memory here for each session.
    _ = shim_SSL_CTX_set_session_cache_mode(handle, Int(SSL_SESS_CACHE_OFF))
  }

  deinit {
    if !isReleased { SSL_CTX_free(handle) }
    for authority in trusted { X509_free(authority) }
  }

  /// Hands the `SSL_CTX` to the caller, who frees it.
  func release() -> OpaquePointer {
    isReleased = true
    return handle
  }

  /// Loads the own certificate, the chain behind it and the key.
  func useIdentity(chainFile: String, keyFile: String) throws(TLSConfigurationError) {
    let chain = try PEMFile(path: chainFile)
    let keyPEM = try PEMFile(path: keyFile)
    let placed = try chain.certificates(for: .chain)
    let certificates = placed.map(\.certificate)
    defer { for certificate in certificates { X509_free(certificate) } }
    for index in placed.indices {
      guard let first = placed[..<index].first(where: { X509_cmp($0.certificate, placed[index].certificate) == 0 })
      else {
        continue
      }
      throw .notUnderstood(
        path: chainFile, line: placed[index].line, cause: "the same certificate as in line \(first.line); remove one")
    }
    let key = try keyPEM.privateKey()
    defer { EVP_PKEY_free(key) }
    chainSize = certificates.count
    expiresAt = certificates.compactMap { CertificateTime.seconds(X509_get0_notAfter($0)) }.min() ?? .max
    warnings += ChainCheck.warnings(of: certificates, in: chainFile)
    let leaf = certificates[0]
    OpenSSLErrors.clear()
    guard X509_check_private_key(leaf, key) == 1 else {
      OpenSSLErrors.clear()
      throw .keyDoesNotMatch(keyPath: keyFile, certificatePath: chainFile)
    }
    guard SSL_CTX_use_certificate(handle, leaf) == 1 else {
      throw .rejected(path: chainFile, cause: OpenSSLErrors.take())
    }
    guard SSL_CTX_use_PrivateKey(handle, key) == 1 else {
      throw .rejected(path: keyFile, cause: OpenSSLErrors.take())
    }
    for certificate in certificates.dropFirst() {
      guard shim_SSL_CTX_add1_chain_cert(handle, certificate) == 1 else {
        throw .rejected(path: chainFile, cause: OpenSSLErrors.take())
      }
    }
    noteWarnings(leaf: leaf, chainFile: chainFile, key: keyPEM)
  }

  /// Trusts the authorities in a file; a server that announces them tells clients which certificates are of use.
  func trust(caFile: String, announce: Bool) throws(TLSConfigurationError) {
    let placed = try PEMFile(path: caFile).certificates(for: .authorities)
    defer { for one in placed { X509_free(one.certificate) } }
    let store = SSL_CTX_get_cert_store(handle)
    OpenSSLErrors.clear()
    for (authority, line) in placed {
      var digest = [UInt8](repeating: 0, count: 32)
      guard X509_digest(authority, EVP_sha256(), &digest, nil) == 1 else {
        throw .library(cause: OpenSSLErrors.take())
      }
      guard !authorities.contains(digest) else {
        warnings.append(.authorityRepeated(path: caFile, line: line))
        continue
      }
      authorities.insert(digest)
      guard X509_STORE_add_cert(store, authority) == 1 else {
        throw .rejected(path: caFile, cause: OpenSSLErrors.take())
      }
      X509_up_ref(authority)
      trusted.append(authority)
      if announce { shim_SSL_CTX_add_client_CA(handle, authority) }
    }
  }

  /// Has clients judged by the authorities in a file, and by lists of revoked certificates.
  ///
  /// - Parameter mode: libssl's, whether a client has to show a certificate.
  /// - Returns: the same judgement for later.
  func trustClients(
    caFile: String, _ revocation: TLSServerConfiguration.Revocation?, mode: CInt
  ) throws(TLSConfigurationError) -> ClientTrust {
    try trust(caFile: caFile, announce: true)
    var revoked: RevocationLists?
    if let revocation { revoked = try useRevocation(revocation) }
    SSL_CTX_set_verify(handle, mode, revocation?.acceptsExpired == true ? acceptExpiredRevocationLists : nil)
    // Between the client's own certificate and the one that is trusted.
    SSL_CTX_set_verify_depth(handle, CInt(CertificateChain.longest - 2))
    let roots = trusted.filter { X509_NAME_cmp(X509_get_subject_name($0), X509_get_issuer_name($0)) == 0 }
    let keys = Set(roots.compactMap { CertificateIdentity.authorityKey(of: $0) })
    return ClientTrust(anchors: authorities, isOneAuthority: keys.count == 1, revoked: revoked)
  }

  func trustSystemRoots() throws(TLSConfigurationError) {
    OpenSSLErrors.clear()
    try check(SSL_CTX_set_default_verify_paths(handle))
  }

  /// Completes the chain of a certificate that came without one, from the trusted authorities. OpenSSL would do the
  /// same by itself, but in each handshake, and verify the chain each time.
  func completeChain(chainFile: String) throws(TLSConfigurationError) {
    _ = shim_SSL_CTX_set_mode(handle, shim_MODE_NO_AUTO_CHAIN())
    guard chainSize == 1 else { return }
    OpenSSLErrors.clear()
    guard shim_SSL_CTX_build_cert_chain(handle) > 0 else {
      throw .rejected(path: chainFile, cause: OpenSSLErrors.take())
    }
    OpenSSLErrors.clear()
  }

  /// Session tickets, for who trusts the same authorities and asks the same of clients.
  ///
  /// Without a session id context OpenSSL refuses to resume where client certificates are asked for. A session of
  /// another context is answered with a full handshake.
  ///
  /// - Parameter hostName: sessions of which are resumed; see ``TLSServerConfiguration/hostName``.
  func useServerSessions(lifetime: Int, hostName: String) throws(TLSConfigurationError) {
    var trust = CanonicalBytes()
    trust.part("sluice".utf8)
    trust.count(Int(SSL_CTX_get_verify_mode(handle)))
    trust.set(Array(authorities))
    if !hostName.isEmpty { trust.part(hostName.utf8) }
    guard let name = CertificateIdentity.sha256(trust.bytes) else { throw .library(cause: OpenSSLErrors.take()) }
    trustName = name
    try check(SSL_CTX_set_session_id_context(handle, name, CUnsignedInt(name.count)))
    try check(SSL_CTX_set_session_ticket_cb(handle, writeSessionOrigin, judgeSessionOrigin, nil))
    // One ticket is enough for a client that comes back after a lost connection. OpenSSL would send two.
    try check(SSL_CTX_set_num_tickets(handle, 1))
    SSL_CTX_set_timeout(handle, lifetime)
  }

  /// What an authority says of the own certificate, for clients that ask for it.
  func useStaple(_ configuration: TLSServerConfiguration) throws(TLSConfigurationError) -> OCSPStaple? {
    guard let path = configuration.stapleFile, let certificate = SSL_CTX_get0_certificate(handle) else { return nil }
    let staple = try OCSPStaple(path: path, of: certificate)
    if staple.hasExpired { warnings.append(.stapleExpired(path: path)) }
    _ = shim_SSL_CTX_set_status_callback(handle, giveStaple)
    return staple
  }

  /// What is shown to clients.
  func certificates(in chainFile: String, _ names: [String: TLSContext]) -> [ServedCertificate] {
    var own: [ServedCertificate] = []
    if expiresAt < .max { own = [ServedCertificate(path: chainFile, name: "", expiresAt: expiresAt)] }
    return own
      + names.sorted { $0.key < $1.key }.flatMap { name, context in
        context.certificates.map { certificate in
          var certificate = certificate
          certificate.name = name
          return certificate
        }
      }
  }

  /// The names that a client offers.
  func offer(_ protocols: ApplicationProtocols) throws(TLSConfigurationError) {
    // Unlike its neighbours this function answers 0 for success.
    let result = SSL_CTX_set_alpn_protos(handle, protocols.wireFormat, CUnsignedInt(protocols.wireFormat.count))
    guard result == 0 else { throw .library(cause: OpenSSLErrors.take()) }
  }

  private func noteWarnings(leaf: OpaquePointer, chainFile: String, key: PEMFile) {
    if key.isWorldReadable { warnings.append(.privateKeyWorldReadable(path: key.path)) }
    if let notAfter = X509_get0_notAfter(leaf), X509_cmp_time(notAfter, nil) < 0 {
      warnings.append(.certificateExpired(path: chainFile, notAfter: CertificateTime.text(notAfter)))
    }
    if let notBefore = X509_get0_notBefore(leaf), X509_cmp_time(notBefore, nil) > 0 {
      warnings.append(.certificateNotYetValid(path: chainFile, notBefore: CertificateTime.text(notBefore)))
    }
  }

  private func check(_ result: CInt) throws(TLSConfigurationError) {
    guard result == 1 else { throw .library(cause: OpenSSLErrors.take()) }
  }
}
