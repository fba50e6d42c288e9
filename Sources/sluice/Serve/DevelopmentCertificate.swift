import FoundationEssentials
import TLSTransport

/// The certificate of the embedded default, for this machine alone.
enum DevelopmentCertificate {
  private static let folder = "certs/dev"

  /// Makes one where there is none yet.
  ///
  /// - Parameter host: that the gateway listens on, another name for its certificate.
  static func makeIfMissing(host: String?) throws {
    guard !FileManager.default.fileExists(atPath: folder + "/server.pem") else { return }
    do {
      try SelfMadeCertificates.make(in: folder, names: host.map { [$0] } ?? [])
    } catch {
      throw CommandFailure("a certificate for development cannot be made: \(error)")
    }
  }
}
