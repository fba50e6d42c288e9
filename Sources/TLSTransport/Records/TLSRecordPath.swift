/// Who decrypts what a connection receives.
public enum TLSRecordPath: String, Sendable {
  /// libssl, as everything else.
  case library = "openssl"
  /// Sluice itself, out of the read's buffer, with OpenSSL's cipher.
  case direct
  /// Sluice itself, with the wide vector instructions of newer processors.
  case vector = "direct-vaes"
}
