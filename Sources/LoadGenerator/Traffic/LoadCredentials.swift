package import TLSTransport

/// Whom the load generator's connections trust, and who they are.
package struct LoadCredentials: Sendable {
  /// How the server's certificate is verified.
  package var trust: TLSClientConfiguration.ServerTrust
  /// The client's own certificate.
  package var identity: TLSClientConfiguration.Identity?
  /// A bearer token; a secret.
  package var token: String?

  package init(
    trust: TLSClientConfiguration.ServerTrust = .systemRoots, identity: TLSClientConfiguration.Identity? = nil,
    token: String? = nil
  ) {
    self.trust = trust
    self.identity = identity
    self.token = token
  }
}
