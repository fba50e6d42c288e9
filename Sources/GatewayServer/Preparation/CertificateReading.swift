import ConfigurationReading
import Forwarders
import TLSTransport

/// Reads the certificates and keys as a start does.
enum CertificateReading {
  /// The listener's context, and the keys of tickets that it shares with others; `nil` where something was wrong, which has
  /// been noted.
  ///
  /// - Parameter ticketKeys: of the context's tickets.
  static func read(
    _ configuration: Configuration, _ applicationProtocols: [String], _ ticketKeys: TicketKeys,
    _ findings: inout Findings
  ) -> (context: TLSContext, sharedKeys: [TicketKey])? {
    let tls = configuration.tls
    let files = Files(
      certificate: tls.certificate, privateKey: tls.privateKey, authorities: tls.clientCA, authoritiesKey: "client-ca",
      revocation: tls.clientRevocation?.file, staple: tls.staple)
    let names = names(of: tls, applicationProtocols, ticketKeys, &findings)
    let context = context(files, &findings) { () throws(TLSConfigurationError) in
      try TLSContext(
        server: TLSServerConfiguration(tls, applicationProtocols: applicationProtocols), names: names,
        refusesUnknown: tls.refusesUnknown, ticketKeys: ticketKeys)
    }
    if let context { warnOfExpiry(context.certificates, within: tls.warnBefore, &findings) }
    var shared: [TicketKey] = []
    if let path = tls.ticketKeys {
      do throws(TLSConfigurationError) {
        shared = try TicketKeyFile.read(path)
      } catch {
        note(error, "ticket-keys", path, &findings)
      }
    }
    for case .pipe(let settings) in configuration.routes.map(\.destination) {
      guard let tls = settings.tls else { continue }
      let files = Files(
        certificate: tls.certificate, privateKey: tls.privateKey, authorities: tls.authorities, authoritiesKey: "ca")
      _ = self.context(files, &findings) { () throws(TLSConfigurationError) in try tls.makeContext() }
    }
    for case .server(let server) in configuration.recipients {
      let files = Files(authorities: server.authorities, authoritiesKey: "ca")
      _ = self.context(files, &findings) { () throws(TLSConfigurationError) in try server.makeContext() }
    }
    return context.map { (context: $0, sharedKeys: shared) }
  }

  private static func names(
    of tls: Configuration.TLS, _ applicationProtocols: [String], _ ticketKeys: TicketKeys, _ findings: inout Findings
  ) -> [String: TLSContext] {
    var contexts: [String: TLSContext] = [:]
    for named in tls.names {
      let files = Files(
        certificate: named.certificate, privateKey: named.privateKey, authorities: named.clientCA,
        authoritiesKey: "client-ca", revocation: named.clientRevocation?.file, staple: named.staple)
      contexts[named.name] = context(files, &findings) { () throws(TLSConfigurationError) in
        try TLSContext(
          server: TLSServerConfiguration(named, tls, applicationProtocols: applicationProtocols), ticketKeys: ticketKeys
        )
      }
      if let context = contexts[named.name], !context.isGood(for: named.name) {
        findings.add(
          .warning,
          "`certificate`: \(named.certificate): the certificate is not for `\(named.name)`: clients refuse it",
          hint: "name the certificate of that host",
          at: findings.origin.place(of: named.certificate, key: "certificate"))
      }
    }
    return contexts
  }

  private static func warnOfExpiry(
    _ certificates: [ServedCertificate], within time: Duration, _ findings: inout Findings
  ) {
    for certificate in certificates {
      guard let words = CertificateExpiry.words(certificate, within: time, now: .now()) else { continue }
      findings.add(
        .warning, "`certificate`: \(certificate.path): \(words)", hint: "renew it",
        at: findings.origin.place(of: certificate.path, key: "certificate"))
    }
  }

  /// The files of one side of TLS.
  private struct Files {
    var certificate: String?
    var privateKey: String?
    var authorities: String?
    /// What the configuration calls the last.
    var authoritiesKey: String
    var revocation: String?
    var staple: String?

    var all: [(key: String, path: String)] {
      [
        ("certificate", certificate), ("private-key", privateKey), (authoritiesKey, authorities),
        ("client-crl", revocation), ("ocsp", staple),
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
        // With its certificate alone it can be understood.
        case "ocsp": break
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
    case .weakKey(let path, _, _):
      let text = "\(warning)".prefix { $0 != ";" }
      findings.add(
        .warning, "`\(key)`: \(text)", hint: "renew it with a new key of ECDSA P-256, or RSA of 2048 bits and more",
        at: findings.origin.place(of: path, key: key))
    case .chainBroken(let path, _), .chainIncomplete(let path):
      let text = "\(warning)".prefix { $0 != ";" }
      findings.add(
        .warning, "`\(key)`: \(text): clients may refuse the certificate",
        hint: "name a file with the certificate and, each behind the one that it signed, those up to the root",
        at: findings.origin.place(of: path, key: key))
    case .stapleExpired(let path):
      findings.add(
        .warning, "`ocsp`: \(path): the response is too old, and is not handed out", hint: "fetch a new one",
        at: findings.origin.place(of: path, key: "ocsp"))
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
