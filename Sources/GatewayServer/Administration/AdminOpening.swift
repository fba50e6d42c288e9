import ConfigurationReading
import Glibc
import GatewayCore
import NIOCore
import TLSTransport

extension AdminTLS {
  /// The gateway's first certificate, for whoever asks for whatever name. Clients show none: their tokens say who they are.
  ///
  /// - Throws: ``/TLSTransport/TLSConfigurationError``, which names the file and the cause.
  static func context(_ configuration: Configuration) throws(TLSConfigurationError) -> TLSContext {
    var server = TLSServerConfiguration(configuration.tls, applicationProtocols: ["http/1.1"])
    server.clientCertificates = .none
    server.revocation = nil
    return try TLSContext(server: server)
  }
}

extension AdminAccess {
  /// - Parameter tokens: those of now.
  init(_ settings: Configuration.Admin, tokens: @escaping @Sendable () -> (any TokenDirectory)?) {
    self.tokens = settings.tokens == nil ? nil : tokens
    if case .address(let address) = settings.place { isLoopback = address.isLoopback } else { isLoopback = false }
  }
}

extension AdminListener {
  /// What kept it from listening, with its line.
  static func failure(
    _ error: any Error, _ settings: Configuration.Admin, _ configuration: Configuration
  ) -> ConfigurationFaults {
    let place = configuration.origin.keys["admin"]
    var (cause, hint) = ("\(error)", "")
    if let code = (error as? IOError)?.errnoCode {
      if code == EADDRINUSE {
        return ConfigurationFaults(
          [inUse(.error, settings, configuration, at: place)], mainFile: configuration.origin.file)
      }
      cause = FilePlace.word(for: code)
      if case .address(let address) = settings.place,
        case .impossible(let what, let remedy) = AddressProbe.outcome(code, address)
      {
        (cause, hint) = (what, remedy)
      }
    }
    return ConfigurationFaults(
      [
        ConfigurationFault(
          .error, configuration.origin, "`admin.listen`: cannot listen on \(settings.description): \(cause)",
          hint: hint,
          at: place)
      ], mainFile: configuration.origin.file)
  }

  /// Somebody else listens there.
  static func inUse(
    _ severity: ConfigurationFault.Severity, _ settings: Configuration.Admin, _ configuration: Configuration,
    at place: Place?
  ) -> ConfigurationFault {
    ConfigurationFault(
      severity, configuration.origin, "`admin.listen`: somebody listens on \(settings.description) already",
      hint: "stop it, or write another port", at: place)
  }
}
