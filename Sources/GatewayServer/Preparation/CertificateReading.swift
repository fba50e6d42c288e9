import ConfigurationReading
import Forwarders
import TLSTransport

/// Reads the certificates and keys as a start does.
enum CertificateReading {
  /// The listener's context; `nil` where something was wrong, which has been noted.
  static func read(
    _ configuration: Configuration, _ applicationProtocols: [String], _ findings: inout Findings
  ) -> TLSContext? {
    let tls = configuration.tls
    let files = Files(
      certificate: tls.certificate, privateKey: tls.privateKey, authorities: tls.clientCA, authoritiesKey: "client-ca",
      revocation: tls.clientRevocation?.file)
    let context = context(files, &findings) { () throws(TLSConfigurationError) in
      try TLSContext(server: TLSServerConfiguration(tls, applicationProtocols: applicationProtocols))
    }
    for case .pipe(let settings) in configuration.routes.map(\.destination) {
      guard let tls = settings.tls else { continue }
      let files = Files(
        certificate: tls.certificate, privateKey: tls.privateKey, authorities: tls.authorities, authoritiesKey: "ca")
      _ = self.context(files, &findings) { () throws(TLSConfigurationError) in try tls.makeContext() }
    }
    return context
  }

  /// The files of one side of TLS.
  private struct Files {
    var certificate: String?
    var privateKey: String?
    var authorities: String?
    /// What the configuration calls the last.
    var authoritiesKey: String
    var revocation: String?

    var all: [(key: String, path: String)] {
      [
        ("certificate", certificate), ("private-key", privateKey), (authoritiesKey, authorities),
        ("client-crl", revocation),
      ].compactMap { key, path in path.map { (key, $0) } }
    }
  }

  /// Looks at each file, so that all that is wrong is told at once, and then at all together.
  private static func context(
    _ files: Files, _ findings: inout Findings, _ make: () throws(TLSConfigurationError) -> TLSContext
  ) -> TLSContext? {
    let before = findings.errors.count
    for (key, path) in files.all {
      do throws(TLSConfigurationError) {
        switch key {
        case "private-key": try TLSFileCheck.privateKey(path)
        case "client-crl": try TLSFileCheck.revocationLists(path)
        case "certificate": for warning in try TLSFileCheck.chain(path) { note(warning, key, &findings) }
        default: for warning in try TLSFileCheck.authorities(path) { note(warning, key, &findings) }
        }
      } catch {
        note(error, key, path, &findings)
      }
    }
    guard findings.errors.count == before else { return nil }
    do throws(TLSConfigurationError) {
      let context = try make()
      for warning in context.warnings { note(warning, "certificate", &findings) }
      return context
    } catch {
      // Of several files, the one that the error names first; of several keys, the one that can be wrong by itself.
      let named = files.all.filter { "\(error)".hasPrefix($0.path) }
      let file = named.first { $0.key == "private-key" } ?? named.first ?? (key: "certificate", path: "")
      note(error, file.key, file.path, &findings)
      return nil
    }
  }

  private static func note(_ error: TLSConfigurationError, _ key: String, _ path: String, _ findings: inout Findings) {
    findings.add(
      .error, "`\(key)`: \(error)", hint: hint(error), at: findings.origin.place(of: path, key: key))
  }

  /// - Parameter key: of the certificate's file.
  private static func note(_ warning: TLSConfigurationWarning, _ key: String, _ findings: inout Findings) {
    switch warning {
    case .privateKeyWorldReadable(let path):
      findings.add(
        .warning, "`private-key`: \(path): every user of this machine can read this private key",
        hint: "run `chmod o-r \(path)`", at: findings.origin.place(of: path, key: "private-key"))
    case .certificateExpired(let path, let notAfter):
      findings.add(
        .warning, "`\(key)`: \(path): the certificate expired at \(notAfter): whoever verifies it refuses it",
        hint: "renew it, and start the gateway again", at: findings.origin.place(of: path, key: key))
    case .certificateNotYetValid(let path, let notBefore):
      findings.add(
        .warning, "`\(key)`: \(path): the certificate is not valid before \(notBefore): whoever verifies it refuses it",
        hint: "check this machine's clock, or name a certificate that is valid now",
        at: findings.origin.place(of: path, key: key))
    case .authorityRepeated(let path, let line):
      let key = findings.origin.paths.first { $0.path == path && $0.key.hasSuffix("ca") }?.key ?? "ca"
      findings.add(
        .warning, "`\(key)`: \(path):\(line): the same authority stands in this file before", hint: "remove one",
        at: findings.origin.place(of: path, key: key))
    case .revocationListExpired(let path, _, _, _), .revocationListNotYetValid(let path, _, _),
      .revocationListMissing(let path, _):
      findings.add(
        .warning, "`client-crl`: \(warning)", hint: "get the authority's current list",
        at: findings.origin.place(of: path, key: "client-crl"))
    case .slowRecords:
      findings.add(.warning, "\(warning)", hint: "", at: nil)
    }
  }

  private static func hint(_ error: TLSConfigurationError) -> String {
    switch error {
    case .fileMissing, .fileUnreadable: "let the gateway's user read it, or name another file"
    case .notPEM(_, let expected), .malformed(_, _, let expected, _): "name a PEM file with a \(expected)"
    case .privateKeyEncrypted: "store the key without a password: `openssl pkey -in KEY -out KEY.plain`"
    case .keyDoesNotMatch: "name the key that the certificate was made with"
    default: "name another file"
    }
  }
}
