import ConfigurationReading
import Forwarders
import GatewayCore
import Logging
package import TLSTransport

/// What a gateway runs with at a moment.
struct RunningParts {
  /// What it was told last, without what takes a restart.
  var configuration: Configuration
  /// Each place that there is a forwarder for, by route: also those of routes that are configured no more. Two forwarders may
  /// not have one folder, and uploads may still be on their way there.
  private(set) var places: [String: (destination: Configuration.Destination, forwarder: any Forwarder)] = [:]

  /// - Parameter forwarders: for each route of the configuration, in its order.
  init(_ configuration: Configuration, _ forwarders: [any Forwarder]) {
    self.configuration = configuration
    take(configuration, forwarders)
  }

  mutating func take(_ configuration: Configuration, _ forwarders: [any Forwarder]) {
    self.configuration = configuration
    for (entry, forwarder) in zip(configuration.routes, forwarders) {
      places[entry.route.path] = (destination: entry.destination, forwarder: forwarder)
    }
  }

  var forwarders: [any Forwarder] { places.values.map(\.forwarder) }
}

extension RunningGateway {
  /// What clients are shown now, and until when; for metrics.
  package var certificates: [ServedCertificate] { terms.current.context.certificates }
}

extension [ConfigurationFault] {
  /// What a gateway runs with all the same.
  func log(to logger: Logger) {
    for warning in self {
      logger.warning(
        "Configuration",
        metadata: ["at": "\(warning.position)", "warning": "\(warning.message)", "hint": "\(warning.hint)"])
    }
  }
}
