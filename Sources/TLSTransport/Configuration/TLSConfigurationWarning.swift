/// What is worth telling an operator about a context that works all the same.
public enum TLSConfigurationWarning: Sendable, Equatable {
  /// Any user of the machine can read the private key.
  case privateKeyWorldReadable(path: String)
  /// The certificate has expired: peers that verify it will refuse it. `notAfter` is OpenSSL's text of the time.
  case certificateExpired(path: String, notAfter: String)
  /// The certificate is not valid yet. `notBefore` is OpenSSL's text of the time.
  case certificateNotYetValid(path: String, notBefore: String)
  /// An authority stands in the file twice.
  case authorityRepeated(path: String, line: Int)
  /// AES-GCM takes several times as long as it could.
  case slowRecords(cause: String)
}

extension TLSConfigurationWarning: CustomStringConvertible {
  /// One line for a person: what is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .privateKeyWorldReadable(let path):
      "\(path): every user of this machine can read this private key; chmod o-r it"
    case .certificateExpired(let path, let notAfter):
      "\(path): the certificate expired at \(notAfter); renew it"
    case .certificateNotYetValid(let path, let notBefore):
      "\(path): the certificate is not valid before \(notBefore); check the clock"
    case .authorityRepeated(let path, let line):
      "\(path):\(line): the same authority stands in this file before; remove one"
    case .slowRecords(let cause):
      "\(cause): decrypting uploads takes four to five times the processor time that it takes with VAES"
    }
  }
}
