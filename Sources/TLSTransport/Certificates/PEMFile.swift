internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A PEM file read into memory, and what can be taken from it.
///
/// Pointers that its methods return belong to the caller.
struct PEMFile {
  /// The largest file that is read. A bundle of all public authorities has some 250 KiB.
  static let byteLimit = 4 << 20
  /// The same for lists of revoked certificates: a large authority's have several MiB.
  static let revocationByteLimit = 64 << 20
  /// How long a pipe may be without a byte, in milliseconds.
  private static let pipePatience: CInt = 10_000

  let path: String
  /// Whether users other than the owner and the group may read the file.
  let isWorldReadable: Bool
  private let bytes: [UInt8]

  /// All that is in the file, be it PEM or not.
  var content: [UInt8] { bytes }
  /// The same as text.
  var text: String { String(decoding: bytes, as: UTF8.self) }

  init(path: String, limit: Int = Self.byteLimit) throws(TLSConfigurationError) {
    // Without O_NONBLOCK a FIFO would be waited for.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
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
    // A pipe is what a shell makes of `<(...)`.
    guard [S_IFREG, S_IFIFO].contains(status.st_mode & S_IFMT) else {
      throw .fileUnreadable(path: path, cause: "neither a regular file nor a pipe")
    }
    let bytes = try Self.contents(of: descriptor, path: path, limit: limit)
    self.path = path
    self.bytes = bytes
    self.isWorldReadable = status.st_mode & S_IROTH != 0
  }

  private static func contents(
    of descriptor: CInt, path: String, limit: Int
  ) throws(TLSConfigurationError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count <= limit {
      let count = withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { space in
        let count = read(descriptor, space.baseAddress, space.count)
        if count > 0 { bytes += space[..<count] }
        return count
      }
      if count == 0 { return bytes }
      if count < 0, errno == EAGAIN {
        // A shell opens both ends before it hands the pipe on, so a pipe without a writer is at its end.
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, pipePatience) != 0 else {
          throw .fileUnreadable(path: path, cause: "nothing came out of the pipe for \(pipePatience / 1000) seconds")
        }
      } else if count < 0, errno != EINTR {
        throw .fileUnreadable(path: path, cause: String(cString: strerror(errno)))
      }
    }
    throw .fileUnreadable(path: path, cause: "larger than \(limit) bytes")
  }

  /// What the certificates of a file are for.
  enum Purpose {
    /// An own certificate and those behind it. Its private key may be in the same file.
    case chain
    /// Whom to trust.
    case authorities
  }

  /// A certificate, and the line where it begins.
  typealias PlacedCertificate = (certificate: OpaquePointer, line: Int)

  /// All certificates in the file, at least one, in order.
  func certificates(for purpose: Purpose) throws(TLSConfigurationError) -> [PlacedCertificate] {
    var found: [PlacedCertificate] = []
    do throws(TLSConfigurationError) {
      for block in try certificateBlocks(for: purpose) { found.append((try certificate(in: block), block.line)) }
    } catch {
      for one in found { X509_free(one.certificate) }
      throw error
    }
    return found
  }

  private func certificateBlocks(for purpose: Purpose) throws(TLSConfigurationError) -> [PEMBlock] {
    var found: [PEMBlock] = []
    for block in try blocks() {
      if Self.certificateLabels.contains(block.label) {
        found.append(block)
      } else if block.isPrivateKey, purpose == .authorities {
        throw notUnderstood(block, "a private key among authorities, who show theirs to nobody; remove it")
      } else if !block.isPrivateKey, block.label != Self.curveLabel || purpose == .authorities {
        throw misplaced(block)
      }
    }
    guard !found.isEmpty else { throw .notPEM(path: path, expected: "certificate") }
    return found
  }

  /// A list of revoked certificates, and the line where it begins.
  typealias PlacedList = (list: OpaquePointer, line: Int)

  /// All lists of revoked certificates in the file, at least one, in order.
  func revocationLists() throws(TLSConfigurationError) -> [PlacedList] {
    var found: [PlacedList] = []
    do throws(TLSConfigurationError) {
      for block in try blocks() {
        guard block.label == "X509 CRL" else {
          throw notUnderstood(block, "no list of revoked certificates (its label is not X509 CRL); remove it")
        }
        found.append(
          (
            try decode(block, "list of revoked certificates", free: X509_CRL_free) { d2i_X509_CRL(nil, &$0, $1) },
            block.line
          ))
      }
      guard !found.isEmpty else { throw .notPEM(path: path, expected: "list of revoked certificates (X509 CRL)") }
      return found
    } catch {
      for one in found { X509_CRL_free(one.list) }
      throw error
    }
  }

  /// The only private key in the file. Certificates may be in the same file.
  func privateKey() throws(TLSConfigurationError) -> OpaquePointer {
    var keys: [PEMBlock] = []
    for block in try blocks() {
      if block.isPrivateKey {
        if let first = keys.first {
          throw notUnderstood(block, "a second private key; the first is in line \(first.line)")
        }
        keys.append(block)
      } else if !Self.certificateLabels.contains(block.label), block.label != Self.curveLabel {
        throw misplaced(block)
      }
    }
    guard let block = keys.first else { throw .notPEM(path: path, expected: "private key") }
    guard block.label != "ENCRYPTED PRIVATE KEY", !block.hasHeaders else { throw .privateKeyEncrypted(path: path) }
    return try decode(block, "private key", free: EVP_PKEY_free) { d2i_AutoPrivateKey(nil, &$0, $1) }
  }

  private static let certificateLabels = ["CERTIFICATE", "X509 CERTIFICATE"]
  /// Stands before a key that `openssl ecparam -genkey` made, and says nothing that the key does not.
  private static let curveLabel = "EC PARAMETERS"

  private func blocks() throws(TLSConfigurationError) -> [PEMBlock] {
    guard bytes.contains(where: { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }) else { throw .fileEmpty(path: path) }
    // The head of a SEQUENCE that is longer than 127 bytes, or of one that is all of the file.
    if bytes.count > 1, bytes[0] == 0x30, bytes[1] & 0x80 != 0 || Int(bytes[1]) == bytes.count - 2 {
      throw .notText(path: path, remedy: binaryRemedy)
    }
    do throws(PEMFault) {
      return try PEMReader.blocks(in: bytes)
    } catch {
      throw .notUnderstood(path: path, line: error.line, cause: error.reason)
    }
  }

  private func certificate(in block: PEMBlock) throws(TLSConfigurationError) -> OpaquePointer {
    guard !block.hasHeaders else { throw notUnderstood(block, "a certificate with PEM headers") }
    return try decode(block, "certificate", free: X509_free) { d2i_X509(nil, &$0, $1) }
  }

  /// Decodes all of a block.
  private func decode(
    _ block: PEMBlock, _ expected: String, free: (OpaquePointer) -> Void,
    _ read: (inout UnsafePointer<UInt8>?, CLong) -> OpaquePointer?
  ) throws(TLSConfigurationError) -> OpaquePointer {
    OpenSSLErrors.clear()
    let (found, rest) = block.bytes.withUnsafeBufferPointer { bytes -> (OpaquePointer?, Int) in
      var cursor = bytes.baseAddress
      let found = read(&cursor, CLong(bytes.count))
      guard let start = bytes.baseAddress, let cursor else { return (found, 0) }
      return (found, bytes.count - (cursor - start))
    }
    guard let found else {
      throw .malformed(path: path, line: block.line, expected: expected, cause: OpenSSLErrors.take())
    }
    guard rest == 0 else {
      free(found)
      throw notUnderstood(block, "\(rest) bytes behind the end of the \(expected) in this block")
    }
    OpenSSLErrors.clear()
    return found
  }

  private func notUnderstood(_ block: PEMBlock, _ cause: String) -> TLSConfigurationError {
    .notUnderstood(path: path, line: block.line, cause: cause)
  }

  private func misplaced(_ block: PEMBlock) -> TLSConfigurationError {
    let cause =
      switch block.label {
      case "TRUSTED CERTIFICATE":
        "a TRUSTED CERTIFICATE, which is OpenSSL's own form; `openssl x509 -in FILE` makes a plain one of it"
      case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
        "a certificate request, and no certificate; the authority makes one of it"
      case "X509 CRL": "a list of revoked certificates, which belongs into a file of its own; remove it"
      case "PUBLIC KEY": "a public key, which is not made use of here; remove it"
      default: "a block that is not known here (its label is none of CERTIFICATE and PRIVATE KEY); remove it"
      }
    return notUnderstood(block, cause)
  }

  private var binaryRemedy: String {
    if let certificate = parsed({ d2i_X509(nil, &$0, $1) }) {
      X509_free(certificate)
      return "openssl x509 -inform DER -in \(path) -out FILE.pem"
    }
    if let list = parsed({ d2i_X509_CRL(nil, &$0, $1) }) {
      X509_CRL_free(list)
      return "openssl crl -inform DER -in \(path) -out FILE.pem"
    }
    if let key = parsed({ d2i_AutoPrivateKey(nil, &$0, $1) }) {
      EVP_PKEY_free(key)
      return "openssl pkey -inform DER -in \(path) -out FILE.pem"
    }
    return "openssl pkcs12 -in \(path) -nodes -out FILE.pem, if it is PKCS #12"
  }

  private func parsed(_ read: (inout UnsafePointer<UInt8>?, CLong) -> OpaquePointer?) -> OpaquePointer? {
    defer { OpenSSLErrors.clear() }
    return bytes.withUnsafeBufferPointer { bytes in
      var cursor = bytes.baseAddress
      return read(&cursor, CLong(bytes.count))
    }
  }
}

extension PEMBlock {
  /// Whether a label is that of a private key, of any kind, encrypted or not.
  var isPrivateKey: Bool { label == "PRIVATE KEY" || label.hasSuffix(" PRIVATE KEY") }
}
