internal import COpenSSL

/// The TLS library underneath.
public enum TLSLibrary {
  /// Its name and release as it is at run time, such as `OpenSSL 3.0.19 27 Jan 2026`.
  public static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION)) }
}
