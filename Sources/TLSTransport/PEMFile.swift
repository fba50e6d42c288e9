internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Musl
#endif

/// A PEM file read into memory, and what can be taken from it.
///
/// Pointers that its methods return belong to the caller.
struct PEMFile {
  /// The largest file that is read. A bundle of all public authorities has some 250 KiB.
  static let byteLimit = 4 << 20

  let path: String
  /// Whether users other than the owner and the group may read the file.
  let isWorldReadable: Bool
  private let bytes: [UInt8]

  init(path: String) throws(TLSConfigurationError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT { throw .fileMissing(path: path) }
      throw .fileUnreadable(path: path, cause: String(cString: strerror(code)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .fileUnreadable(path: path, cause: String(cString: strerror(errno)))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .fileUnreadable(path: path, cause: "not a regular file")
    }
    guard status.st_size <= Self.byteLimit else {
      throw .fileUnreadable(path: path, cause: "larger than \(Self.byteLimit) bytes")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        read(descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .fileUnreadable(path: path, cause: String(cString: strerror(errno))) }
      if count == 0 { break }
      filled += count
    }
    bytes.removeLast(bytes.count - filled)
    self.path = path
    self.bytes = bytes
    self.isWorldReadable = status.st_mode & S_IROTH != 0
  }

  /// All certificates in the file, at least one, in order.
  func certificates() throws(TLSConfigurationError) -> [OpaquePointer] {
    OpenSSLErrors.clear()
    guard let source = memorySource() else { throw .library(cause: OpenSSLErrors.take()) }
    defer { BIO_free(source) }
    var found: [OpaquePointer] = []
    while let certificate = PEM_read_bio_X509(source, nil, refusePassword, nil) { found.append(certificate) }
    // Reading goes on until nothing more begins; any other end is a certificate that cannot be decoded.
    guard OpenSSLErrors.lastIs(library: ERR_LIB_PEM, reason: PEM_R_NO_START_LINE) else {
      for certificate in found { X509_free(certificate) }
      throw .malformed(path: path, expected: "certificate", cause: OpenSSLErrors.take())
    }
    OpenSSLErrors.clear()
    guard !found.isEmpty else { throw .notPEM(path: path, expected: "certificate") }
    return found
  }

  /// The first private key in the file.
  func privateKey() throws(TLSConfigurationError) -> OpaquePointer {
    OpenSSLErrors.clear()
    guard let source = memorySource() else { throw .library(cause: OpenSSLErrors.take()) }
    defer { BIO_free(source) }
    var askedForPassword = false
    let key = withUnsafeMutablePointer(to: &askedForPassword) {
      PEM_read_bio_PrivateKey(source, nil, refusePassword, $0)
    }
    if let key { return key }
    if askedForPassword {
      OpenSSLErrors.clear()
      throw .privateKeyEncrypted(path: path)
    }
    guard bytesContainPrivateKeyLabel else {
      OpenSSLErrors.clear()
      throw .notPEM(path: path, expected: "private key")
    }
    throw .malformed(path: path, expected: "private key", cause: OpenSSLErrors.take())
  }

  private var bytesContainPrivateKeyLabel: Bool {
    let label = Array("PRIVATE KEY-----".utf8)
    guard bytes.count >= label.count else { return false }
    return (0...bytes.count - label.count).contains { bytes[$0] == label[0] && bytes[$0...].starts(with: label) }
  }

  /// The file's bytes as something that OpenSSL reads from. The caller frees it.
  private func memorySource() -> OpaquePointer? {
    guard let copy = BIO_new(BIO_s_mem()) else { return nil }
    let written = bytes.withUnsafeBytes { BIO_write(copy, $0.baseAddress, CInt($0.count)) }
    guard written == CInt(bytes.count) || bytes.isEmpty else {
      BIO_free(copy)
      return nil
    }
    return copy
  }
}

/// OpenSSL's default is to ask at the terminal, which would hang a daemon.
private func refusePassword(
  _ buffer: UnsafeMutablePointer<CChar>?, _ size: CInt, _ writing: CInt, _ asked: UnsafeMutableRawPointer?
) -> CInt {
  asked?.assumingMemoryBound(to: Bool.self).pointee = true
  return -1
}
