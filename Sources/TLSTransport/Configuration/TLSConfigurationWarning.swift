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
  /// A list of revoked certificates should have been followed by the next one. `nextUpdate` is OpenSSL's text of that time.
  case revocationListExpired(path: String, line: Int, nextUpdate: String, isAccepted: Bool)
  /// A list of revoked certificates is not valid yet. `lastUpdate` is OpenSSL's text of the time.
  case revocationListNotYetValid(path: String, line: Int, lastUpdate: String)
  /// An authority has no list: its clients are refused.
  case revocationListMissing(path: String, authority: String)
  /// A certificate of the chain, counted from 1, can be forged with some effort.
  case weakKey(path: String, number: Int, weakness: String)
  /// A certificate of the chain, counted from 1, did not sign the one before it.
  case chainBroken(path: String, number: Int)
  /// The issuer of the chain's last certificate is missing.
  case chainIncomplete(path: String)
  /// What the authority said of the certificate (OCSP) holds no more.
  case stapleExpired(path: String)
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
    case .revocationListExpired(let path, let line, let nextUpdate, let isAccepted):
      "\(path):\(line): the list of revoked certificates was to be followed by the next one at \(nextUpdate): "
        + (isAccepted ? "it is made use of all the same" : "clients of its authority are refused")
    case .revocationListNotYetValid(let path, let line, let lastUpdate):
      "\(path):\(line): the list of revoked certificates is not valid before \(lastUpdate): clients of its authority are refused"
    case .revocationListMissing(let path, let authority):
      "\(path): no list of the authority \(authority): its clients are refused"
    case .weakKey(let path, let number, let weakness):
      "\(path): certificate \(number) has \(weakness), which is too weak; renew it with another key"
    case .chainBroken(let path, let number):
      "\(path): certificate \(number) did not sign the one before it; put each behind the one that it signed"
    case .chainIncomplete(let path):
      "\(path): the certificate that signed the last one is missing; add what lies between it and the root"
    case .stapleExpired(let path):
      "\(path): the OCSP response is too old, and is not handed out; renew it"
    case .slowRecords(let cause):
      "\(cause): decrypting uploads takes four to five times the processor time that it takes with VAES"
    }
  }
}
