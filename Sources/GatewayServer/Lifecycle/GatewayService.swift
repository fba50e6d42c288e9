package import Logging
import ServiceLifecycle

/// The gateway as a service: runs until it is asked to stop.
package struct GatewayService: Service, CustomStringConvertible {
  private let configuration: Configuration
  private let logger: Logger
  private let onStart: @Sendable (RunningGateway) -> Void

  /// - Parameter onStart: called once when it listens.
  package init(
    _ configuration: Configuration, logger: Logger, onStart: @escaping @Sendable (RunningGateway) -> Void
  ) {
    self.configuration = configuration
    self.logger = logger
    self.onStart = onStart
  }

  /// What a log may say of it: by default it would be the whole configuration, the digests of tokens included.
  package var description: String { "gateway" }

  /// Starts the gateway, and stops it at graceful shutdown or cancellation.
  ///
  /// - Throws: what kept it from starting.
  package func run() async throws {
    let gateway = try await RunningGateway.start(configuration, logger: logger)
    onStart(gateway)
    try? await gracefulShutdown()
    await gateway.stop()
  }
}
