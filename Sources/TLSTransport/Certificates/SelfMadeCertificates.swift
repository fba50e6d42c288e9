internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A server's certificate for a first try, and the authority that vouches for it (ECDSA P-256, for a year). The
/// authority's key is kept nowhere: it signs nothing else.
public enum SelfMadeCertificates {
  /// Writes `ca.pem`, `server.pem` and `server.key` into a folder, which is made if it is missing. Files that are there are
  /// replaced, each as a whole, the certificate last.
  ///
  /// - Parameters:
  ///   - folder: its path.
  ///   - names: host names and addresses of the server, besides `localhost`, `127.0.0.1` and `::1`.
  /// - Throws: a ``TLSConfigurationError`` that names the file and the cause.
  public static func make(in folder: String, names: [String] = []) throws(TLSConfigurationError) {
    let authorityKey = try makeKey()
    defer { EVP_PKEY_free(authorityKey) }
    let authority = try certificate("Sluice development CA", of: authorityKey, signedBy: nil, authorityKey)
    defer { X509_free(authority) }
    let serverKey = try makeKey()
    defer { EVP_PKEY_free(serverKey) }
    let server = try certificate(
      "localhost", names: ["localhost", "127.0.0.1", "::1"] + names, of: serverKey, signedBy: authority, authorityKey)
    defer { X509_free(server) }
    try makeFolder(folder)
    try write(folder + "/ca.pem", mode: 0o644) { PEM_write_bio_X509($0, authority) == 1 }
    try write(folder + "/server.key", mode: 0o600) {
      PEM_write_bio_PrivateKey($0, serverKey, nil, nil, 0, nil, nil) == 1
    }
    try write(folder + "/server.pem", mode: 0o644) { PEM_write_bio_X509($0, server) == 1 }
  }

  private static func makeKey() throws(TLSConfigurationError) -> OpaquePointer {
    OpenSSLErrors.clear()
    guard let key = shim_make_P256_key() else { throw .library(cause: OpenSSLErrors.take()) }
    return key
  }

  /// - Parameter names: none for an authority.
  private static func certificate(
    _ subject: String, names: [String] = [], of key: OpaquePointer, signedBy issuer: OpaquePointer?,
    _ issuerKey: OpaquePointer
  ) throws(TLSConfigurationError) -> OpaquePointer {
    OpenSSLErrors.clear()
    guard let certificate = X509_new() else { throw .library(cause: OpenSSLErrors.take()) }
    let isAuthority = names.isEmpty
    let extensions: [(CInt, String)] =
      isAuthority
      ? [
        (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"), (NID_key_usage, "critical,keyCertSign,cRLSign"),
        (NID_subject_key_identifier, "hash"),
      ]
      : [
        (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
        (NID_ext_key_usage, "serverAuth"), (NID_subject_alt_name, names.map(alternative).joined(separator: ",")),
        (NID_subject_key_identifier, "hash"), (NID_authority_key_identifier, "keyid"),
      ]
    let isMade =
      X509_set_version(certificate, 2) == 1 && setNumber(certificate)
      && X509_gmtime_adj(X509_getm_notBefore(certificate), -300) != nil
      && X509_gmtime_adj(X509_getm_notAfter(certificate), 365 * 86_400) != nil
      && setSubject(certificate, subject)
      && X509_set_issuer_name(certificate, X509_get_subject_name(issuer ?? certificate)) == 1
      && X509_set_pubkey(certificate, key) == 1
      && extensions.allSatisfy { shim_X509_add_extension(certificate, issuer ?? certificate, $0, $1) == 1 }
      && X509_sign(certificate, issuerKey, EVP_sha256()) > 0
    guard isMade else {
      X509_free(certificate)
      throw .library(cause: OpenSSLErrors.take())
    }
    return certificate
  }

  private static func alternative(_ name: String) -> String {
    var bytes = [UInt8](repeating: 0, count: 16)
    let isAddress = inet_pton(AF_INET, name, &bytes) == 1 || inet_pton(AF_INET6, name, &bytes) == 1
    return (isAddress ? "IP:" : "DNS:") + name
  }

  private static func setNumber(_ certificate: OpaquePointer) -> Bool {
    ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), .random(in: 1...(.max))) == 1
  }

  private static func setSubject(_ certificate: OpaquePointer, _ name: String) -> Bool {
    let subject = X509_get_subject_name(certificate)
    func add(_ kind: CInt, _ text: String) -> Bool {
      X509_NAME_add_entry_by_NID(
        subject, kind, V_ASN1_UTF8STRING, Array(text.utf8), CInt(text.utf8.count), -1, 0) == 1
    }
    return add(NID_organizationName, "Sluice development") && add(NID_commonName, name)
  }

  // MARK: Files

  private static func makeFolder(_ path: String) throws(TLSConfigurationError) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/" + part
      if mkdir(made, 0o755) != 0, errno != EEXIST {
        throw .fileUnwritable(path: made, cause: String(cString: strerror(errno)))
      }
    }
  }

  private static func write(
    _ path: String, mode: mode_t, _ pem: (OpaquePointer) -> Bool
  ) throws(TLSConfigurationError) {
    guard let text = CertificateText.print(pem) else { throw .library(cause: OpenSSLErrors.take()) }
    let new = path + ".new"
    let file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard file >= 0 else { throw .fileUnwritable(path: new, cause: String(cString: strerror(errno))) }
    let bytes = Array(text.utf8)
    let isWritten = writeBytes(file, bytes) == bytes.count
    let code = errno
    close(file)
    guard isWritten, rename(new, path) == 0 else {
      throw .fileUnwritable(path: path, cause: String(cString: strerror(isWritten ? errno : code)))
    }
  }
}

/// `write`, which within the type means its own.
private func writeBytes(_ file: CInt, _ bytes: [UInt8]) -> Int {
  write(file, bytes, bytes.count)
}
