internal import COpenSSL

/// A certificate that a server shows.
public struct ServedCertificate: Sendable, Hashable {
  /// Its file.
  public let path: String
  /// The host names that it is shown for; empty for the first one.
  public var name: String
  /// When the first certificate of its chain is valid no more, in seconds since 1970.
  public let expiresAt: Int64
}
