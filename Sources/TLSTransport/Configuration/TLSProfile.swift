internal import COpenSSL

/// Which protocol versions and ciphers a context speaks, by the names of Mozilla's server-side TLS guideline.
public enum TLSProfile: String, Sendable, CaseIterable {
  /// TLS 1.3 only.
  case modern
  /// TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3.
  case intermediate

  /// The oldest protocol version, in the number of the wire.
  var minimumVersion: CInt {
    switch self {
    case .modern: TLS1_3_VERSION
    case .intermediate: TLS1_2_VERSION
    }
  }

  /// TLS 1.3 cipher suites. AES-128-GCM stands first: with AES instructions it is the cheapest for bulk data.
  static let cipherSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

  /// TLS 1.2 ciphers: the guideline's list without the DHE suites, which need parameters and gain nothing over ECDHE.
  static let ciphers = [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
  ].joined(separator: ":")

  /// Groups for the key exchange, in order of preference.
  static let groups = "X25519:P-256:P-384"
}
