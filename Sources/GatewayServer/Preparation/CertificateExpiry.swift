import GatewayCore
import Logging
import TLSTransport
import TextForms

/// Tells of certificates that are valid no more before long.
enum CertificateExpiry {
  /// What to say of one; `nil` where there is time, and of one that has expired, of which every start warns.
  static func words(_ certificate: ServedCertificate, within time: Duration, now: WallTime) -> String? {
    let left = certificate.expiresAt - now.milliseconds / 1000
    guard left > 0, left <= time.components.seconds else { return nil }
    let end = RFC3339(milliseconds: certificate.expiresAt.multipliedReportingOverflow(by: 1000).partialValue)
    let days = left / 86_400
    let remaining = days > 1 ? "\(days) days" : "\(left / 3600) hours"
    return "the certificate expires in \(remaining), at \(end.textInSeconds)"
  }

  static func log(_ certificates: [ServedCertificate], within time: Duration, to logger: Logger) {
    for certificate in certificates {
      guard let words = words(certificate, within: time, now: .now()) else { continue }
      logger.warning(
        "Certificate expires soon",
        metadata: ["file": "\(certificate.path)", "name": "\(certificate.name)", "warning": "\(words)"])
    }
  }
}
