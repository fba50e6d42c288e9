package import Fronts
package import GatewayCore
package import Logging

/// The protocols that a gateway speaks. Another front is another entry in ``of(_:)``.
package struct FrontSet: Sendable {
  /// What the listener offers in ALPN, the preferred first.
  package var applicationProtocols: [String]
  /// Makes the fronts; the first gets whatever nobody recognises.
  package var make: @Sendable (Gateway, FrontTimeouts, Logger) -> [any Front]

  /// Both.
  package init(
    applicationProtocols: [String], make: @escaping @Sendable (Gateway, FrontTimeouts, Logger) -> [any Front]
  ) {
    self.applicationProtocols = applicationProtocols
    self.make = make
  }

  /// Those that a configuration wants: x-stream always.
  package static func of(_ configuration: Configuration) -> FrontSet {
    guard let http = configuration.http else {
      return FrontSet(applicationProtocols: [XStreamFront.applicationProtocol]) {
        [XStreamFront(gateway: $0, timeouts: $1, logger: $2)]
      }
    }
    return FrontSet(applicationProtocols: [XStreamFront.applicationProtocol] + HTTPFront.applicationProtocols) {
      [
        XStreamFront(gateway: $0, timeouts: $1, logger: $2),
        HTTPFront(gateway: $0, settings: http, timeouts: $1, logger: $2),
      ]
    }
  }
}
