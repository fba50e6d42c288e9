internal import COpenSSL

/// What clients could find wrong with a server's chain, though OpenSSL takes it.
enum ChainCheck {
  /// RSA keys below this are weak (NIST SP 800-57, part 1: 112 bits of security), in bits.
  private static let leastRSA = 2048
  /// The same for elliptic curves.
  private static let leastCurve = 224

  /// - Parameter certificates: the server's own first.
  static func warnings(of certificates: [OpaquePointer], in path: String) -> [TLSConfigurationWarning] {
    defer { OpenSSLErrors.clear() }
    var warnings: [TLSConfigurationWarning] = []
    for (index, certificate) in certificates.enumerated() {
      if let weakness = weakness(of: certificate) {
        warnings.append(.weakKey(path: path, number: index + 1, weakness: weakness))
      }
      guard index + 1 < certificates.count else { break }
      if X509_check_issued(certificates[index + 1], certificate) != CInt(X509_V_OK) {
        warnings.append(.chainBroken(path: path, number: index + 2))
      }
    }
    if let last = certificates.last, !isComplete(last) { warnings.append(.chainIncomplete(path: path)) }
    return warnings
  }

  private static func weakness(of certificate: OpaquePointer) -> String? {
    guard let key = X509_get0_pubkey(certificate) else { return nil }
    let bits = Int(EVP_PKEY_get_bits(key))
    switch EVP_PKEY_get_base_id(key) {
    case EVP_PKEY_RSA where bits < leastRSA: return "an RSA key of \(bits) bits"
    case EVP_PKEY_EC where bits < leastCurve: return "a key on a curve of \(bits) bits"
    default: break
    }
    var digest = NID_undef
    // Nobody verifies the signature of one that vouches for itself.
    guard !isSelfIssued(certificate),
      OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, nil) == 1
    else { return nil }
    return [NID_md5, NID_sha1].contains(digest) ? "a signature over \(digest == NID_md5 ? "MD5" : "SHA-1")" : nil
  }

  private static func isSelfIssued(_ certificate: OpaquePointer) -> Bool {
    X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0
  }

  /// Whether clients are likely to have the issuer of the chain's last certificate. An authority of one's own, which clients
  /// were given, can not be told from one in between that is missing; but those of the public say in what they sign where
  /// their own certificate is.
  private static func isComplete(_ last: OpaquePointer) -> Bool {
    guard !isSelfIssued(last), shim_X509_names_issuer_place(last) == 1 else { return true }
    guard let store = X509_STORE_new(), let verification = X509_STORE_CTX_new() else { return true }
    defer {
      X509_STORE_CTX_free(verification)
      X509_STORE_free(store)
    }
    guard X509_STORE_set_default_paths(store) == 1, X509_STORE_CTX_init(verification, store, last, nil) == 1 else {
      return true
    }
    var issuer: OpaquePointer?
    let isKnown = X509_STORE_CTX_get1_issuer(&issuer, verification, last) == 1
    X509_free(issuer)
    return isKnown
  }
}
