internal import COpenSSL

/// The TLS library underneath.
public enum TLSLibrary {
  /// Its name and release as it is at run time, such as `OpenSSL 3.0.19 27 Jan 2026`.
  public static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION)) }

  /// Why records are not decrypted with wide vector instructions; nil where they are, and on processors that never have
  /// them.
  static var wantOfVectors: String? {
    #if arch(x86_64)
      #if IPSecMB
        return VectorCipher.isAvailable ? nil : "this processor has no VAES"
      #else
        return "this build is without Intel's Multi-Buffer Crypto library"
      #endif
    #else
      return nil
    #endif
  }
}
