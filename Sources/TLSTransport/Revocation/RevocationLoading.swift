internal import COpenSSL

// How lists of revoked certificates get into a context.
extension ContextBuilder {
  /// Has each full handshake look into the lists of a file.
  ///
  /// - Precondition: the authorities that are trusted are known (``trust(caFile:announce:)``).
  func useRevocation(_ rules: TLSServerConfiguration.Revocation) throws(TLSConfigurationError) -> RevocationLists {
    let placed = try PEMFile(path: rules.file, limit: PEMFile.revocationByteLimit).revocationLists()
    var lists: [RevocationLists.List] = []
    var rest = placed[...]
    defer { for one in rest { X509_CRL_free(one.list) } }
    while let one = rest.first {
      let authority = try authority(of: one, in: rules.file)
      guard let issuer = CertificateChain.digest(of: X509_CRL_get_issuer(one.list)),
        X509_STORE_add_crl(SSL_CTX_get_cert_store(handle), one.list) == 1
      else { throw .rejected(path: rules.file, cause: OpenSSLErrors.take()) }
      rest = rest.dropFirst()
      lists.append(RevocationLists.List(one.list, issuer: issuer, authority: authority))
      warn(of: one, rules)
    }
    warnOfMissing(lists, rules)
    let all = rules.coverage == .chain ? X509_V_FLAG_CRL_CHECK_ALL : 0
    guard X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(handle), UInt(X509_V_FLAG_CRL_CHECK | all)) == 1 else {
      throw .library(cause: OpenSSLErrors.take())
    }
    return RevocationLists(lists, rules)
  }

  /// SHA-256 of the key that signed a list; `nil` where none of the trusted authorities has its issuer's name: one between
  /// may, of which clients show the certificate.
  private func authority(
    of one: PEMFile.PlacedList, in path: String
  ) throws(TLSConfigurationError) -> [UInt8]? {
    let namesakes = trusted.filter { X509_NAME_cmp(X509_get_subject_name($0), X509_CRL_get_issuer(one.list)) == 0 }
    guard !namesakes.isEmpty else { return nil }
    let signer = namesakes.first { X509_CRL_verify(one.list, X509_get0_pubkey($0)) == 1 }
    OpenSSLErrors.clear()
    guard let signer else {
      throw .notUnderstood(
        path: path, line: one.line, cause: "this list is not signed by the authority whose name it has; get it anew")
    }
    return CertificateIdentity.authorityKey(of: signer)
  }

  private func warn(of one: PEMFile.PlacedList, _ rules: TLSServerConfiguration.Revocation) {
    let (begin, end) = (X509_CRL_get0_lastUpdate(one.list), X509_CRL_get0_nextUpdate(one.list))
    if let end, X509_cmp_time(end, nil) < 0 {
      warnings.append(
        .revocationListExpired(
          path: rules.file, line: one.line, nextUpdate: CertificateTime.text(end), isAccepted: rules.acceptsExpired))
    }
    if let begin, X509_cmp_time(begin, nil) > 0 {
      warnings.append(
        .revocationListNotYetValid(path: rules.file, line: one.line, lastUpdate: CertificateTime.text(begin)))
    }
  }

  private func warnOfMissing(_ lists: [RevocationLists.List], _ rules: TLSServerConfiguration.Revocation) {
    for authority in trusted {
      let (name, key) = (X509_get_subject_name(authority), CertificateIdentity.authorityKey(of: authority))
      let digest = CertificateChain.digest(of: name)
      guard !lists.contains(where: { $0.issuer == digest && $0.authority == key }) else { continue }
      warnings.append(.revocationListMissing(path: rules.file, authority: CertificateText.subject(name)))
    }
  }
}

/// Accepts certificates whose authority's list is overdue, where that is asked for; nothing else changes.
let acceptExpiredRevocationLists: @convention(c) (CInt, OpaquePointer?) -> CInt = { isGood, verification in
  guard isGood != 1 else { return 1 }
  guard X509_STORE_CTX_get_error(verification) == X509_V_ERR_CRL_HAS_EXPIRED else { return 0 }
  X509_STORE_CTX_set_error(verification, X509_V_OK)
  return 1
}
