import Forwarders
import TLSTransport

extension Configuration {
  /// Reads the certificates and keys as a start would.
  ///
  /// - Throws: `TLSConfigurationError`, which names the file and the cause.
  public func checkCertificates() throws {
    _ = try TLSContext(server: TLSServerConfiguration(tls))
    for case .pipe(let settings) in routes.map(\.destination) { _ = try settings.tls?.makeContext() }
  }
}
