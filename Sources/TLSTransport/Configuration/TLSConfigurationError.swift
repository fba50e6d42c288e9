/// Why a ``TLSContext`` could not be made. Each case names the file, where there is one, and the cause.
public enum TLSConfigurationError: Error, Sendable, Equatable {
  /// There is no such file.
  case fileMissing(path: String)
  /// The file is there but cannot be read; `cause` is the system's text.
  case fileUnreadable(path: String, cause: String)
  /// The file cannot be written; `cause` is the system's text.
  case fileUnwritable(path: String, cause: String)
  /// The file has nothing in PEM of the kind that is needed.
  case notPEM(path: String, expected: String)
  /// There is nothing in the file.
  case fileEmpty(path: String)
  /// The file is binary; `remedy` is a command that makes PEM of it.
  case notText(path: String, remedy: String)
  /// Something in the file is not understood, or does not belong there.
  case notUnderstood(path: String, line: Int, cause: String)
  /// The block that begins in this line is PEM, but what it says cannot be decoded; `cause` is OpenSSL's text.
  case malformed(path: String, line: Int, expected: String, cause: String)
  /// The private key is encrypted, and nobody is there to be asked for a password.
  case privateKeyEncrypted(path: String)
  /// The private key does not belong to the first certificate.
  case keyDoesNotMatch(keyPath: String, certificatePath: String)
  /// OpenSSL refuses the certificate or key, for example as too weak; `cause` is its text.
  case rejected(path: String, cause: String)
  /// An ALPN name is empty or longer than 255 bytes (RFC 7301, section 3.1).
  case applicationProtocolName(String)
  /// The name of the server is neither a host name nor an IP address.
  case serverName(String)
  /// OpenSSL itself failed, for want of memory or because of its system-wide configuration.
  case library(cause: String)
}

extension TLSConfigurationError: CustomStringConvertible {
  /// One line for a person: what is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .fileMissing(let path):
      "\(path): no such file"
    case .fileUnreadable(let path, let cause):
      "\(path): cannot be read: \(cause)"
    case .notPEM(let path, let expected):
      "\(path): no \(expected) in PEM in this file"
    case .fileUnwritable(let path, let cause):
      "\(path): cannot be written: \(cause)"
    case .fileEmpty(let path):
      "\(path): the file is empty"
    case .notText(let path, let remedy):
      "\(path): binary (DER), not PEM; make PEM of it: \(remedy)"
    case .notUnderstood(let path, let line, let cause):
      "\(path):\(line): \(cause)"
    case .malformed(let path, let line, let expected, let cause):
      "\(path):\(line): the \(expected) cannot be decoded: \(cause)"
    case .privateKeyEncrypted(let path):
      "\(path): the private key is encrypted; store it without a password"
    case .keyDoesNotMatch(let keyPath, let certificatePath):
      "\(keyPath): this private key does not belong to the first certificate in \(certificatePath)"
    case .rejected(let path, let cause):
      "\(path): refused by OpenSSL: \(cause)"
    case .applicationProtocolName(let name):
      "ALPN name \"\(name)\": must have 1 to 255 bytes"
    case .serverName(let name):
      "server name \"\(name)\": neither a host name nor an IP address"
    case .library(let cause):
      "OpenSSL: \(cause)"
    }
  }
}
